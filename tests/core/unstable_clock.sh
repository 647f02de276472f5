#!/usr/bin/env bash
# unstable_clock.sh CLOCK : where the kernel does not trust the processor's counter, CLOCK (core_clock) does not use it. The
# kernel's word is replaced in a mount namespace.
set -u
sources=/sys/devices/system/clocksource/clocksource0
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
echo hpet > "$folder/current"
echo "hpet acpi_pm" > "$folder/available"
[ "$("$1" which)" = tsc ] || { echo "SKIPPED: here the kernel's clock is used anyway"; exit 77; }
unshare -m true 2>/dev/null || { echo "SKIPPED: no mount namespace without root"; exit 77; }
# shellcheck disable=SC2016
found=$(unshare -m sh -c 'mount --bind "$1/current" "$2/current_clocksource" &&
    mount --bind "$1/available" "$2/available_clocksource" && "$3" which' sh "$folder" "$sources" "$1") || exit 1
echo "an unstable counter: $found"
[ "$found" = kernel ]
