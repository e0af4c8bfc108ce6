# setup.sh: what ./run and ./check share: installing what is missing, and building. Sourced, not run.

# Debian 12's names. The second list is for the tests only.
build_packages="gcc libc6-dev cmake ninja-build pkg-config libssl-dev libuv1-dev libcurl4-openssl-dev libjansson-dev libsqlite3-dev libsodium-dev libtss2-dev liblua5.4-dev libmaxminddb-dev libinih-dev libwslay-dev libsystemd-dev nodejs npm ca-certificates"
test_packages="libcmocka-dev libqpid-proton11-dev zsh iproute2 util-linux mount openssl procps sqlite3 mosquitto-clients haproxy python3-paho-mqtt python3-qpid-proton chromium swtpm tpm2-tools"

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

# quietly COMMAND...: says nothing unless it fails, which is the end.
quietly() {
	log=$(mktemp)
	if ! "$@" >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		exit 1
	fi
	rm -f "$log"
}

install_now() {
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"
}

install_packages() {
	missing=$(missing_of "$@")
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		printf 'These Debian packages are missing. Install them and start again:\n\n  sudo apt-get install -y --no-install-recommends %s\n\n' "$missing" >&2
		exit 1
	fi
	say "installing from Debian: $missing"
	# shellcheck disable=SC2086
	quietly install_now $missing
}

# npm_packages FOLDER WHAT: as its lock file says. When that has not changed, they are there already.
npm_packages() {
	cmp -s "$1/package-lock.json" "$1/node_modules/.stamp" && return 0
	say "installing $2 from npm"
	(cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
	cp "$1/package-lock.json" "$1/node_modules/.stamp"
}

# Everything that the pages are made from, in one line.
web_sum() {
	find web \( -name node_modules -o -path web/dist \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
}

web_build() {
	(cd web && npm run build) >web/node_modules/.said 2>&1 || { cat web/node_modules/.said; return 1; }
}

# The portal's pages, when they are not those of these sources already.
build_web() {
	if [ ! -f web/package.json ]; then
		say "no portal: web/ is not in this checkout, and the server will say so at its pages"
		return 0
	fi
	npm_packages web "what the portal is made with"
	sum=$(web_sum)
	[ -f web/dist/index.html ] && [ "$sum" = "$(cat web/node_modules/.built 2>/dev/null)" ] && return 0
	say "building the portal's pages"
	quietly web_build
	tail -n 2 web/node_modules/.said # what a browser loads
	printf '%s\n' "$sum" >web/node_modules/.built
}

# build PRESET TARGET...: quiet unless something goes wrong.
build() {
	preset=$1
	shift
	[ -f "build/$preset/build.ninja" ] || quietly cmake --preset "$preset"
	quietly cmake --build "build/$preset" -- "$@"
}

build_release() {
	say "building build/berth"
	build release berth
	cmp -s build/release/src/berth build/berth || cp build/release/src/berth build/berth
}
