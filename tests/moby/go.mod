// Pins the source whose integration tests tools/dev/moby.sh builds; nothing here imports it.
module diatom/tests/moby

go 1.24

require github.com/docker/docker v28.5.2+incompatible
