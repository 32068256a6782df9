"""The pieces that build.py joins into a release. One module, one artefact; each gives the same bytes for the same inputs."""
