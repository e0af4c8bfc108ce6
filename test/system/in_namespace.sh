#!/bin/sh
# Run a command in a network and mount namespace of its own, with the hosts file beside this script, where the ports that
# SDKs insist on are free and the names end on loopback (no root needed). Exit status 77: namespaces are not to be had here.
here=$(dirname "$(readlink -f "$0")")
inside='ip link set lo up && mount --bind "$1" /etc/hosts && shift && exec "$@"'
if [ "$(id -u)" -eq 0 ]; then
	flags=-nm
else
	flags=-Urnm
fi
if ! unshare $flags sh -c 'ip link set lo up' 2>/dev/null; then
	echo "skipped: this machine does not let $(id -un) make network namespaces"
	exit 77
fi
exec unshare $flags sh -c "$inside" sh "$here/hosts" "$@"
