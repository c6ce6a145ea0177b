#!/bin/sh
# A whole stack on this machine, without a domain: a simulated platform, `roundsman watch` on it and, where Debian's
# `prometheus` is installed, Prometheus with the rules of this repository. Ctrl-C ends all of it and leaves nothing.
#
#   deploy/demo.sh            builds with optimisation first; PROFILE=dev is built sooner
#   TENANTS=200 deploy/demo.sh
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
profile=${PROFILE:-release}
folder=$profile
[ "$profile" = dev ] && folder=debug
(cd "$root" && cargo build --locked --profile "$profile" --bin roundsman -p roundsman -p roundsman-lab --bin roundsman-lab)
bin="${CARGO_TARGET_DIR:-$root/target}/$folder"

dir=$(mktemp -d)
pids=
end() {
    trap - EXIT INT TERM
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap end EXIT
trap 'exit 0' INT TERM

# Begins a program beside this one, its lines in a file.
begin() {
    log=$1
    shift
    "$@" >"$dir/$log" 2>&1 &
    pids="$pids $!"
}
# Waits until something is so, half a minute at most.
until_so() {
    what=$1
    shift
    tries=300
    until "$@" 2>/dev/null; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            echo "demo: $what did not come up:" >&2
            cat "$dir"/*.log >&2
            exit 1
        fi
        sleep 0.1
    done
}

cd "$dir"
begin lab.log "$bin/roundsman-lab" start --tenants "${TENANTS:-30}" --platform
until_so "the simulated platform" test -s .lab/roundsman.toml
cat >>.lab/roundsman.toml <<'TOML'

[schedule]
every = "10s"
fleet_every = "5s"

[web]
listen = "127.0.0.1:9464"
TOML
export ROUNDSMAN_CONFIG="$dir/.lab/roundsman.toml"
# The lab's own tokens, which let in nowhere else.
export FLY_API_TOKEN=fm2_lab CLOUDFLARE_API_TOKEN=cf_lab_token
export FLY_WRITE_TOKEN=fm2_lab CLOUDFLARE_WRITE_TOKEN=cf_lab_token
begin watch.log "$bin/roundsman" watch
until_so "roundsman watch" grep -q listening watch.log

echo "configuration   $ROUNDSMAN_CONFIG"
echo "numbers         http://127.0.0.1:9464/metrics"
if command -v prometheus >/dev/null; then
    cp "$root/deploy/prometheus/roundsman.rules.yml" .
    cat >prometheus.yml <<'YAML'
global: { scrape_interval: 5s, evaluation_interval: 5s }
rule_files: [roundsman.rules.yml]
scrape_configs:
  - job_name: roundsman
    static_configs: [{ targets: ["127.0.0.1:9464"] }]
YAML
    begin prometheus.log prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb --web.listen-address=127.0.0.1:9090
    until_so Prometheus grep -q "Server is ready" prometheus.log
    echo "Prometheus      http://127.0.0.1:9090/alerts"
else
    echo "Prometheus      not installed: apt-get install prometheus"
fi
cat <<EOF

Break something, and look at it, in another terminal:
  cd $dir
  export ROUNDSMAN_CONFIG=$ROUNDSMAN_CONFIG FLY_API_TOKEN=fm2_lab CLOUDFLARE_API_TOKEN=cf_lab_token
  export FLY_WRITE_TOKEN=fm2_lab CLOUDFLARE_WRITE_TOKEN=cf_lab_token
  $bin/roundsman-lab fault add certificate-conflict@t0001 dns-override@t0002=both
  $bin/roundsman incidents
  $bin/roundsman remediate --apply

Ctrl-C ends all of it.
EOF
# The lines of the agent, until somebody ends this.
tail -n +1 -f watch.log &
pids="$pids $!"
wait
