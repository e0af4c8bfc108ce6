#!/bin/sh
# with_berth.sh BERTH COMMAND...: start a server on a fresh data folder, run the command with its address in the environment,
# end the server, and fail if either did (a sanitizer's complaint ends the server with a status).
berth=$1
shift
data=$(mktemp -d)
export BERTH_BIN="$berth" BERTH_DATA="$data" NODE_EXTRA_CA_CERTS="$data/ca.pem"
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1}"

"$berth" serve --data "$data" --https-port 443 --log-format json --log-level "${BERTH_LOG_LEVEL:-info}" 2>"$data/server.log" &
server=$!
echo "$server" >"$data/server.pid"
tries=0
until [ -s "$data/server.json" ]; do
	tries=$((tries + 1))
	if [ $tries -gt 600 ] || ! kill -0 "$server" 2>/dev/null; then
		cat "$data/server.log"
		exit 1
	fi
	sleep 0.05
done
"$@"
status=$?
# A test may have exchanged the server for another; its pid is on file.
server_now=$(cat "$data/server.pid")
kill -TERM "$server_now" 2>/dev/null
if [ "$server_now" = "$server" ]; then
	wait "$server"
	ended=$?
else
	ended=0
	while kill -0 "$server_now" 2>/dev/null; do sleep 0.05; done
fi
if [ $status -ne 0 ] || [ $ended -ne 0 ] || grep -q -e 'ERROR: .*Sanitizer' -e 'runtime error:' "$data/server.log"; then
	echo "--- server (status $ended), the end of its log:"
	tail -n 60 "$data/server.log"
	rm -rf "$data"
	exit 1
fi
rm -rf "$data"
