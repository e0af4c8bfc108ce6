#!/bin/sh
# What Berth costs, beside what others cost: bench/run.sh [--quick] [--x509] [register|transports|lookup|store|chain|rule|whatif|idle|portal ...]
#
# With --x509, register and lookup are of devices that show a certificate.
#
# Builds, measures, prints, and keeps the text in build/bench/. Everything runs on this machine's own disk, under build/bench,
# in a network namespace of its own. A quiet machine, please: other work shows in the figures.
set -eu
here=$(dirname "$(readlink -f "$0")")
cd "$here/.."
out=build/bench
bin=build/release

# --- servers; each is ended by its pid when the script ends ---

started=""
stop_all() {
	for pid in $started; do kill "$pid" 2>/dev/null || true; done
	for pid in $started; do wait "$pid" 2>/dev/null || true; done
	started=""
}

# pinned CORES COMMAND...: replaces this process. CORES "all": wherever there is room.
pinned() {
	cores=$1
	shift
	if [ "$cores" = all ] || [ "$(nproc)" -lt 2 ]; then exec "$@"; else exec taskset -c "$cores" "$@"; fi
}

# start_berth DATA PORT CORES OPTIONS...: leaves its pid in $pid. MQTT is on the port 1000 above, AMQP on the one 2000 above.
start_berth() {
	data=$1 port=$2 cores=$3
	shift 3
	rm -f "$data/server.json"
	pinned "$cores" "$bin/src/berth" serve --data "$data" --https-port "$port" --mqtts-port $((port + 1000)) --amqps-port $((port + 2000)) \
		--admin-listen "" --log-format json "$@" 2>>"$data.log" &
	pid=$!
	started="$started $pid"
	until [ -s "$data/server.json" ]; do
		kill -0 "$pid" 2>/dev/null || { tail -n 5 "$data.log" >&2; exit 1; }
		sleep 0.05
	done
}

# start_nginx CERTIFICATES PORT CORES WORKERS [DIRECTIVES]: a static file, the same certificate and settings of TLS, nothing logged.
start_nginx() {
	mkdir -p "$work/nginx/www"
	cat >"$work/nginx/nginx.conf" <<-EOF
		daemon off;
		$([ "$(id -u)" -ne 0 ] || echo 'user root;')
		worker_processes $4;
		pid $work/nginx/pid;
		error_log $work/nginx/error.log;
		events { worker_connections 1024; }
		http {
			access_log off;
			$(for place in client_body proxy fastcgi uwsgi scgi; do echo "${place}_temp_path $work/nginx/$place;"; done)
			server {
				listen 127.0.0.1:$2 ssl$([ "$4" = 1 ] || echo ' reuseport');
				root $work/nginx/www;
				ssl_certificate $1/server.pem;
				ssl_certificate_key $1/server.key;
				ssl_protocols TLSv1.3;
				ssl_ecdh_curve X25519;
				ssl_session_cache off;
				ssl_session_tickets off;
				ssl_conf_command NumTickets 0;
				${5:-}
			}
		}
	EOF
	pinned "$3" "$nginx" -c "$work/nginx/nginx.conf" 2>>"$work/nginx/error.log" &
	pid=$!
	started="$started $pid"
}

# start_mosquitto CERTIFICATES PORT: lets everybody in, remembers and logs nothing.
start_mosquitto() {
	cat >"$work/mosquitto.conf" <<-EOF
		listener $2 127.0.0.1
		certfile $1/server.pem
		keyfile $1/server.key
		tls_version tlsv1.3
		allow_anonymous true
		log_dest none
		$([ "$(id -u)" -ne 0 ] || echo 'user root')
	EOF
	(ulimit -n "$(ulimit -H -n)" && exec "$mosquitto" -c "$work/mosquitto.conf" 2>"$work/mosquitto.log") &
	pid=$!
	started="$started $pid"
	until [ -n "$(ss -Hltn "sport = :$2")" ]; do
		kill -0 "$pid" 2>/dev/null || { cat "$work/mosquitto.log" >&2; exit 1; }
		sleep 0.05
	done
}

# set_up DATA PORT: a data folder with a service and two hubs. Leaves $scope and the server running, for berth COMMAND...
set_up() {
	start_berth "$1" "$2" all
	export BERTH_DATA="$1"
	berth service create harbour >"$work/set-up.log"
	scope=$(sed -n 's/.*"idScope": "\(.*\)".*/\1/p' "$work/set-up.log" | head -n 1)
	for hub in quay-1 quay-2; do
		berth hub create $hub
		berth linked-hub create $hub
	done >>"$work/set-up.log"
}
berth() { "$bin/src/berth" "$@"; }

# A group of devices with keys. Leaves $key.
add_key_group() {
	key=$(head -c 64 /dev/urandom | base64 -w0)
	berth enrollment-group create mills --attestation symmetricKey --primary-key "$key" >>"$work/set-up.log"
}

# measure CORES OPTIONS AND TARGETS...
measure() {
	cores=$1
	shift
	(pinned "$cores" "$bin/bench/bench_register" --at-once 16 --certificate "$certificates/server.pem" --answer "$work/nginx/www/answer.json" "$@")
}

# --- the measurements ---

# A new device, and one that is known, against a static file.
register() {
	certificates="$work/data"
	set_up "$certificates" 8443
	add_key_group
	stop_all
	title "register: one thread each, servers on core 0, the devices on core 1"
	start_berth "$work/data" 8443 0 --threads 1 --readers 1
	berth_pid=$pid
	start_nginx "$certificates" 8444 0 1
	measure 1 --rounds $rounds --visits $visits "nginx,$pid,8444,file" "berth,$berth_pid,8443,group,$scope,$key"
	stop_all
	title "register: as many threads as cores, $(nproc), all on all of them, the devices too"
	start_berth "$work/data" 8443 all
	berth_pid=$pid
	start_nginx "$certificates" 8444 all auto
	measure all --first 1000000 --rounds $rounds --visits $visits "nginx,$pid,8444,file" "berth,$berth_pid,8443,group,$scope,$key"
	stop_all
}

# The same register over every transport. Each has a server of its own, so that devices that are new are new.
transports() {
	targets="" port=8450
	mkdir -p "$work/nginx/www"
	certificates="$work/base"
	set_up "$certificates" 8443
	add_key_group
	stop_all
	title "transports: one thread each, servers on core 0, the devices on core 1"
	for transport in https mqtt amqp mqtt-ws amqp-ws; do
		cp -r "$certificates" "$work/$transport"
		start_berth "$work/$transport" $port 0 --threads 1 --readers 1
		targets="$targets $transport,$pid,$transport:$(port_of $transport $port),group,$scope,$key"
		port=$((port + 1))
	done
	# shellcheck disable=SC2086
	measure 1 --rounds $rounds --visits $transport_visits $targets
	stop_all
}

# port_of TRANSPORT HTTPS_PORT
port_of() {
	case $1 in
	mqtt) echo $(($2 + 1000)) ;;
	amqp) echo $(($2 + 2000)) ;;
	*) echo "$2" ;;
	esac
}

# The same with certificates in place of keys: a leaf under a group's root, a leaf of its own enrollment, and a leaf and an intermediate under a
# group's root; nginx is shown the same.
register_x509() {
	devices=$((rounds * x509_visits + x509_visits / 4 + 32))
	certificates="$work/base"
	set_up "$certificates" 8443
	title "register: making $devices devices of each kind"
	identities own 1
	add_certificate_groups
	stop_all
	"$bin/bench/bench_enrollments" "$work/base" "$scope" leaves "$work/own"
	cp -r "$work/base" "$work/again"
	title "register: one thread each, servers on core 0, the devices on core 1"
	start_berth "$work/base" 8443 0 --threads 1 --readers 1
	berth_pid=$pid
	start_nginx "$certificates" 8444 0 1 "ssl_verify_client optional_no_ca;"
	visit_x509 1
	title "register: as many threads as cores, $(nproc), all on all of them, the devices too"
	start_berth "$work/again" 8443 all
	berth_pid=$pid
	start_nginx "$certificates" 8444 all auto "ssl_verify_client optional_no_ca;"
	visit_x509 all
}

# Two groups of $devices devices with certificates: a leaf under the group's root, and a leaf and an intermediate.
add_certificate_groups() {
	identities leaf 1
	identities line 1 intermediate
	for group in leaf line; do
		berth enrollment-group create $group --attestation x509 --signing-primary "$work/$group.groups" >>"$work/set-up.log"
	done
}

# visit_x509 CORES: both servers, which then end.
visit_x509() {
	measure "$1" --rounds $rounds --visits $x509_visits \
		"nginx (leaf),$pid,8444,file,$work/leaf" "group,$berth_pid,8443,x509,$scope,$work/leaf" "own,$berth_pid,8443,x509,$scope,$work/own" \
		"nginx (two),$pid,8444,file,$work/line" "group (two),$berth_pid,8443,x509,$scope,$work/line"
	stop_all
}

# identities NAME GROUPS ...: as many $devices as all rounds want.
identities() {
	name=$1
	shift
	"$bin/bench/bench_identities" "$work/$name" "$devices" "$@"
}

# The same register with ten thousand to a million individual enrollments: three servers, visited in turn.
lookup() {
	targets="" port=8450
	mkdir -p "$work/nginx/www"
	set_up "$work/base" 8443
	stop_all
	certificates="$work/base"
	title "lookup: loading"
	for count in $sizes; do
		cp -r "$work/base" "$work/$count"
		"$bin/bench/bench_enrollments" "$work/$count" "$scope" keys "$count"
	done
	title "lookup: one thread each, servers on core 0, the devices on core 1; the tables lie in the page cache"
	for count in $sizes; do
		start_berth "$work/$count" $port 0 --threads 1 --readers 1
		targets="$targets $count,$pid,$port,own,$scope,$count"
		port=$((port + 1))
	done
	# shellcheck disable=SC2086
	measure 1 --rounds $lookup_rounds --visits $lookup_visits $targets
	stop_all
	cold
}

# The same, but every page of the tables must first come from the disk. Only once, for then they are warm.
cold() {
	targets="" port=8450
	title "lookup: the same after the page cache has forgotten the tables; one round, for then they are warm"
	for count in $sizes; do
		dd if="$work/$count/berth.db" iflag=nocache count=0 status=none
		start_berth "$work/$count" $port 0 --threads 1 --readers 1
		targets="$targets $count,$pid,$port,own,$scope,$count"
		port=$((port + 1))
	done
	# shellcheck disable=SC2086
	measure 1 --cold --first $((lookup_visits * (lookup_rounds + 2))) --rounds 1 --visits $lookup_visits $targets
	stop_all
}

# The register of a device whose group must be found by its certificate, among one and among ten thousand.
lookup_x509() {
	targets="" port=8450
	devices=$((x509_lookup_rounds * lookup_visits + lookup_visits / 4 + 32))
	mkdir -p "$work/nginx/www"
	set_up "$work/base" 8443
	stop_all
	certificates="$work/base"
	title "lookup: making $devices devices, and loading groups of X.509"
	for count in 1 $x509_groups; do
		identities "in-$count" "$count"
		cp -r "$work/base" "$work/$count"
		"$bin/bench/bench_enrollments" "$work/$count" "$scope" groups "$work/in-$count"
	done
	title "lookup: one thread each, servers on core 0, the devices on core 1; the tables lie in the page cache"
	for count in 1 $x509_groups; do
		start_berth "$work/$count" $port 0 --threads 1 --readers 1
		targets="$targets $count,$pid,$port,x509,$scope,$work/in-$count"
		port=$((port + 1))
	done
	# shellcheck disable=SC2086
	measure 1 --rounds $x509_lookup_rounds --visits $lookup_visits $targets
	stop_all
}

# What the store takes, without anything around it.
store() {
	title "store: records of 300 bytes, 64 asks under way"
	mkdir -p "$work/store"
	"$bin/bench/bench_store" "$work/store" $records 4
}

# What a rule adds to the choice of a hub.
rule() {
	title "rule: CPU time for each device, the shortest of $chain_times"
	"$bin/bench/bench_rule" $chain_times
}

# What a what-if takes, beside SQLite's own program that reads the same rows and prints them. Once the devices are of one group, then each
# has an enrollment of its own.
whatif() {
	sums="$work/whatif.sums"
	title "whatif: seconds by the clock, $whatif_devices devices on 2 of 4 hubs; median [min..max] of $whatif_rounds"
	set_up "$work/whatif" 8443
	for hub in quay-3 quay-4; do
		berth hub create $hub
		berth linked-hub create $hub
	done >>"$work/set-up.log"
	add_key_group
	# shellcheck disable=SC2016
	rows="WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $whatif_devices), d(id) AS (SELECT printf('press-%07d', n) FROM n)"
	sqlite3 "$work/whatif/berth.db" "$rows INSERT INTO registration(scope, id, name, created, assigned_hub, device_id, status, substatus, updated, etag, group_id, operation_id)
		SELECT '$scope', id, id, 1, 'quay-' || (1 + unicode(substr(id, -1)) % 2) || '.berth.test', id, 'assigned', 'initialAssignment', 1,
		'IjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCI=', 'mills', '5.0123456789abcdef.01234567-89ab-cdef-0123-456789abcdef' FROM d"
	whatif_of "of a group"
	sqlite3 "$work/whatif/berth.db" "$rows INSERT INTO enrollment(scope, id, name, attestation, primary_key, secondary_key, etag, created, updated)
		SELECT '$scope', id, id, 'symmetricKey', zeroblob(92), zeroblob(92), 'IjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCI=', 1, 1 FROM d"
	whatif_of "one by one"
	stop_all
	printf '\n%-12s %-38s %24s %20s\n' devices "" seconds ratio
	cut -d';' -f1 "$sums" | awk '!told[$0]++' | while read -r name; do
		printf '%-51s %24s %20s\n' "$name" "$(spread "$name" 2)" "$(spread "$name" 3)"
	done
}

# whatif_of KIND: each in turn, the first is the peer.
whatif_of() {
	read="SELECT id, name, assigned_hub, device_id, status, group_id, device_payload FROM registration WHERE scope = '$scope' ORDER BY id"
	[ "$1" = "of a group" ] || read="$read; SELECT id, name, provisioning_status, update_hub, allocation_policy, iot_hubs, rule FROM enrollment WHERE scope = '$scope' ORDER BY id"
	for round in $(seq $whatif_rounds); do
		first=""
		whatif_took "$1" "sqlite3, which reads and prints them" sqlite3 "$work/whatif/berth.db" "$read"
		whatif_took "$1" "how many would move" berth allocation preview
		whatif_took "$1" "a hub fewer" berth allocation preview --remove-hub quay-2
		whatif_took "$1" "a hub fewer, each device named" berth allocation preview --remove-hub quay-2 --list
	done
}

# whatif_took KIND WHAT COMMAND...
whatif_took() {
	name=$(printf '%-12s %s' "$1" "$2")
	shift 2
	began=$(date +%s%N)
	"$@" >"$work/whatif.out"
	took=$(awk "BEGIN { printf \"%.2f\", ($(date +%s%N) - $began) / 1e9 }")
	first=${first:-$took}
	echo "$name;$took;$(awk "BEGIN { printf \"%.2f\", $took / $first }")" >>"$sums"
}

# What judging a chain of certificates takes, beside OpenSSL alone.
chain() {
	title "chain: CPU time for each chain, the shortest of $chain_times"
	"$bin/bench/bench_chain" $chain_times
}

# What a device takes that is logged in and sits there, beside the same device at mosquitto. Each server is fresh in each round.
idle() {
	sums="$work/idle"
	certificates="$work/data"
	set_up "$certificates" 8443
	add_key_group
	devices=$idle_devices
	title "idle: making $devices devices with certificates"
	add_certificate_groups
	stop_all
	title "idle: $idle_devices devices that are logged in over TLS 1.3, by a key of a group if nothing else is said; servers on one thread"
	[ -n "$mosquitto" ] || echo "skipped: mosquitto, which is not installed; there are no ratios"
	for round in $(seq $idle_rounds); do
		first=""
		[ -z "$mosquitto" ] || idle_at mosquitto mqtt
		idle_at "Berth: MQTT" mqtt
		idle_at "Berth: AMQP" amqp
		idle_at "Berth: MQTT in a WebSocket" mqtt-ws
		idle_at "Berth: AMQP in a WebSocket" amqp-ws
		idle_at "Berth: MQTT, a leaf" mqtt "x509,$scope,$work/leaf"
		idle_at "Berth: MQTT, two certificates" mqtt "x509,$scope,$work/line"
	done
	printf '\n%-30s %30s %20s %26s\n' "median [min..max]" "bytes a device" "ratio" "us of CPU a second, all"
	cut -d';' -f1 "$sums" | awk '!told[$0]++' | while read -r name; do
		printf '%-30s %30s %20s %26s\n' "$name" "$(spread "$name" 2)" "$(spread "$name" 3)" "$(spread "$name" 4)"
	done
}

# The portal in a browser, which reaches the server by the name that it has.
portal() {
	title "portal: from the address to All resources, nothing in the cache, median [min..max] of $portal_visits"
	if ! [ -x "${CHROMIUM:-/usr/bin/chromium}" ]; then
		echo "skipped: there is no Chromium"
		return 0
	fi
	set_up "$work/portal" 8443
	password=$(head -c 18 /dev/urandom | base64 -w0)
	echo "$password" | berth operator set-password admin >>"$work/set-up.log"
	echo "$password" | node bench/portal.js 8443 $portal_visits
	stop_all
}

# idle_at NAME TRANSPORT [WHO]: one line for the eye, one for the sums.
idle_at() {
	name=$1
	if [ "$name" = mosquitto ]; then
		start_mosquitto "$certificates" 9443
	else
		start_berth "$work/data" 8443 all --threads 1 --readers 1 --connections 100000 --connections-per-peer 100000
	fi
	for command in "hold 10" close weigh "hold $idle_devices" "sit 2" weigh clock "sit $idle_seconds" clock close; do echo "$command"; done |
		"$bin/bench/bench_idle" "$2,$pid,$2:$(port_of "$2" 8443),${3:-group,$scope,$key}" >"$work/said"
	stop_all
	bytes=$(grown weighs $idle_devices)
	first=${first:-$bytes}
	ratio=$(awk "BEGIN { printf \"%.2f\", $bytes / $first }")
	printf '%5d   %-30s %8d bytes a device  %5s\n' "$round" "$name" "$bytes" "$ratio"
	echo "$name;$bytes;$ratio;$(grown used $idle_seconds)" >>"$sums"
}

# grown WORD PER: from the last but one to the last line of that word in what bench_idle said.
grown() { awk -v word="$1" -v per="$2" '$1 == word { before = now; now = $2 } END { printf "%.0f", (now - before) / per }' "$work/said"; }

# spread NAME FIELD: of the lines in $sums, "median [min..max]".
spread() {
	awk -F ';' -v name="$1" -v field="$2" '$1 == name { print $field }' "$sums" | sort -n |
		awk '{ at[NR] = $1 } END { printf "%s [%s..%s]", at[int((NR + 1) / 2)], at[1], at[NR] }'
}

title() { printf '\n== %s\n' "$*"; }

machine() {
	printf '%s, commit %s%s\n' "$(date -u +%Y-%m-%d)" "$(git describe --always 2>/dev/null || echo unknown)" \
		"$(git diff --quiet 2>/dev/null || echo ', changed')"
	printf '%s x %s, Linux %s, %s\n' "$(nproc)" "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(uname -r)" "$(openssl version)"
	printf 'disk: %s; load before: %s\n' "$(df --output=source,fstype "$work" | tail -n 1 | tr -s ' ')" "$(cut -d' ' -f1-3 /proc/loadavg)"
	"$nginx" -v 2>&1
}

# --- the whole ---

if [ "${1:-}" = --inside ]; then
	shift
	work=$1 quick=$2 kind=$3
	shift 3
	nginx=$(command -v nginx || echo /usr/sbin/nginx)
	mosquitto=$(PATH="$PATH:/usr/sbin" command -v mosquitto || true)
	if [ "$quick" = yes ]; then
		rounds=3 visits=300 transport_visits=300 sizes="2000 10000" lookup_rounds=3 lookup_visits=200 records=10000 chain_times=1
		x509_visits=100 x509_groups=1000 x509_lookup_rounds=3
		idle_devices=1000 idle_rounds=1 idle_seconds=2 portal_visits=3 whatif_devices=100000 whatif_rounds=3
	else
		rounds=15 visits=2000 transport_visits=1000 sizes="10000 100000 1000000" lookup_rounds=9 lookup_visits=800 records=100000 chain_times=5
		x509_visits=500 x509_groups=10000 x509_lookup_rounds=15
		idle_devices=10000 idle_rounds=3 idle_seconds=10 portal_visits=15 whatif_devices=1000000 whatif_rounds=9
	fi
	trap stop_all EXIT
	machine
	for part in ${*:-register transports lookup store chain rule whatif idle portal}; do
		case $part in
		transports | store | chain | rule | whatif | idle | portal) $part ;;
		*) "$part$kind" ;;
		esac
	done
	exit 0
fi

. tools/setup.sh
quick=no kind=""
for word in "$@"; do
	shift
	case $word in
	--quick) quick=yes ;;
	--x509) kind=_x509 ;;
	register | transports | lookup | store | chain | rule | whatif | idle | portal) set -- "$@" "$word" ;;
	*)
		sed -n '2s/.*: /usage: /p' "$here/run.sh" >&2
		exit 2
		;;
	esac
done
# shellcheck disable=SC2086
install_packages $build_packages nginx-light iproute2 util-linux mount procps openssl sqlite3
build_web
case " $* " in *" portal "* | "  ") npm_packages test/system "the browser's driver" ;; esac
say "building"
build release berth bench
mkdir -p "$out"
work=$(mktemp -d "$PWD/$out/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ "$(stat -f -c %T "$work")" = tmpfs ]; then
	say "$work lies in memory, where nothing is durable: the figures are not those of a disk"
fi
status=0
{ test/system/in_namespace.sh "$here/run.sh" --inside "$work" $quick "$kind" "$@" || echo "$?" >"$work/status"; } 2>&1 | tee "$out/latest.txt"
[ ! -s "$work/status" ] || status=$(cat "$work/status")
[ "$status" -ne 0 ] || cp "$out/latest.txt" "$out/$(date -u +%Y-%m-%d-%H%M%S).txt"
exit "$status"
