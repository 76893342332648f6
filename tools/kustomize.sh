#!/bin/sh
# Print the folder of the kustomize that the tests, the image and the action use; build it there first where it is not yet. Needs Go.
# tools/kustomize/go.mod says which, and go.sum what each module must be: Go builds nothing that differs.
set -eu
module="$(cd "$(dirname "$0")/kustomize" && pwd)"
version="$(sed -n 's#.*sigs.k8s.io/kustomize/kustomize/v5 \(v[^ ]*\).*#\1#p' "$module/go.mod")"
folder="${XDG_CACHE_HOME:-$HOME/.cache}/fluxdoctor-tools/kustomize-$version"
if [ ! -x "$folder/kustomize" ]; then
  mkdir -p "$folder"
  (cd "$module" && GOWORK=off GOFLAGS="-mod=readonly -buildvcs=false" CGO_ENABLED=0 go build -trimpath \
    -ldflags="-s -w -X sigs.k8s.io/kustomize/api/provenance.version=$version" -o "$folder/" sigs.k8s.io/kustomize/kustomize/v5) >&2
fi
echo "$folder"
