#!/bin/sh
# Runs Mosquitto on copies of its users, access list and certificate, and has it read them again when they
# change. Copies, because it gives up root and could not read another user's files.
#   run.sh CONFIG SHARED OWN CERTIFICATES
set -eu
config=$1 shared=$2 own=$3 certificates=$4
look_every_s=1
sources="$shared/passwords $shared/access $certificates/cert.pem $certificates/key.pem"

is_root() { [ "$(id -u)" = 0 ] && id mosquitto >/dev/null 2>&1; }

copy() {
    for source in $sources; do
        name=$(basename "$source")
        # Before the program's first start nobody is known, and nobody gets in.
        if [ -e "$source" ]; then cp "$source" "$own/$name.new"; else : >"$own/$name.new"; fi
        chmod 600 "$own/$name.new"
        if is_root; then chown mosquitto "$own/$name.new"; fi
        mv "$own/$name.new" "$own/$name"
    done
}
# shellcheck disable=SC2086
seen() { cat $sources 2>/dev/null | sha256sum; }

mkdir -p "$own"
if is_root; then chown mosquitto "$own"; fi
last=$(seen)
copy
mosquitto -c "$config" &
child=$!
trap 'kill -TERM $child; wait $child; exit 0' TERM INT

while kill -0 $child 2>/dev/null; do
    sleep $look_every_s &
    wait $!
    now=$(seen)
    if [ "$now" != "$last" ]; then
        last=$now
        copy
        kill -HUP $child
    fi
done
wait $child
