# For bench/run: what others use. TODO
# shellcheck shell=bash
VERSIONS=()
peers_install() { :; }
peers_rows() { :; }
