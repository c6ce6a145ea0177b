#!/usr/bin/env bash
# Deploys an app with `fly deploy`, then waits until every tenant is verified; for a terminal or any CI server.
#
#   DOMAIN=example.com EDGE_APP=management-api-prod FLY_API_TOKEN=… deploy/ci/after-deploy.sh --app management-api-prod
#
# The arguments are those of `fly deploy`. Ends as `roundsman verify` does: 0 verified, 1 a tenant got worse, 2 usage,
# 3 inconclusive; with 4 where `fly deploy` failed. Reports of before and after stay in the directory REPORTS.
set -euo pipefail

: "${DOMAIN:?the domain whose wildcard the tenants live under}"
: "${EDGE_APP:?the app that holds the wildcard certificate}"
wait=${WAIT:-10m}
reports=${REPORTS:-roundsman-reports}
mkdir -p "$reports"

verify() {
    roundsman verify --domain "$DOMAIN" --edge-app "$EDGE_APP" "$@"
}

# What is broken already does not stop the deployment, and is not blamed on it.
trap 'exit 130' INT TERM
code=0
verify --output json="$reports/before.json" || code=$?
case "$code" in
    0 | 1 | 3) ;;
    *) exit "$code" ;;
esac
# A round that was cut short does not say how it was before.
if grep -q '^  "interrupted": true' "$reports/before.json"; then
    echo "the round before the deployment was ended early: nothing was deployed" >&2
    exit 130
fi

if ! fly deploy "$@"; then
    echo "fly deploy failed: nothing more was verified" >&2
    exit 4
fi

verify --wait "$wait" --consecutive 2 --fail-fast --baseline "$reports/before.json" \
    --output json="$reports/after.json" --output junit="$reports/after.xml"
