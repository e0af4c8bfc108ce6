# setup.sh: what ./run and ./check share: installing what is missing, and building. Sourced, not run.

# Debian 12's names. The second list is for the tests only.
build_packages="gcc libc6-dev cmake ninja-build pkg-config libssl-dev libuv1-dev libcurl4-openssl-dev libjansson-dev libsqlite3-dev libsodium-dev libinih-dev libwslay-dev libsystemd-dev ca-certificates"
test_packages="libcmocka-dev libqpid-proton11-dev nodejs npm zsh iproute2 util-linux mount openssl procps sqlite3"

say() { printf '== %s\n' "$*"; }

# Whether a program that a package would bring is here already, from wherever.
have_otherwise() {
	case $1 in
	nodejs) command -v node >/dev/null 2>&1 ;;
	npm) command -v npm >/dev/null 2>&1 ;;
	*) return 1 ;;
	esac
}

missing_of() {
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed && continue
		have_otherwise "$package" && continue
		printf '%s ' "$package"
	done
}

install_packages() {
	missing=$(missing_of "$@")
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		printf 'These Debian packages are missing. Install them and start again:\n\n  sudo apt-get install -y --no-install-recommends %s\n\n' "$missing" >&2
		exit 1
	fi
	say "installing from Debian: $missing"
	export DEBIAN_FRONTEND=noninteractive
	log=$(mktemp)
	# shellcheck disable=SC2086
	if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		exit 1
	fi
	rm -f "$log"
}

# build PRESET TARGET...: quiet unless something goes wrong.
build() {
	preset=$1
	shift
	log=$(mktemp)
	if ! { [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset"; } >"$log" 2>&1 || ! cmake --build "build/$preset" -- "$@" >>"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		exit 1
	fi
	rm -f "$log"
}

build_release() {
	say "building build/berth"
	build release berth
	cmp -s build/release/src/berth build/berth || cp build/release/src/berth build/berth
}
