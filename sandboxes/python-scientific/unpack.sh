#!/bin/sh
# Takes the guest's module and its library out of the wheel.
# unpack.sh WORK RECIPE WHEEL
set -eu
work=$1
recipe=$2
wheel=$3

echo "stage: unpack the wheel"
mkdir -p "$work/out"
python3 "$recipe/unpack.py" "$wheel" "$work/out"
