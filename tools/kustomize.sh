#!/bin/sh
# Print the folder of the kustomize that the tests are run with; build it there first where it is not yet. Needs Go.
set -eu
version=v5.8.1
folder="${XDG_CACHE_HOME:-$HOME/.cache}/fluxdoctor-tools/kustomize-$version"
[ -x "$folder/kustomize" ] || GOBIN="$folder" GOFLAGS=-mod=mod go install "sigs.k8s.io/kustomize/kustomize/v5@$version" >&2
echo "$folder"
