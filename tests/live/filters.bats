#!/usr/bin/env bats
# `virtdiag filters check` and `outputs check` against the daemon's own parser: the admin interface (log-oracle.c) sets the
# string, and the daemon takes it or not. What it took is compared too: levels, patterns and destinations, in order.
# shellcheck disable=SC2001,SC2016,SC2086 # our paths have no blanks; names with $ in them
load helpers

CASES=$BATS_TEST_DIRNAME/../data/filters/filter-cases.tsv

# generated SEED N WORDS SEPARATORS: N strings of one to three items put together from the words, a NUL after each
generated() {
	awk -v seed="$1" -v n="$2" -v words="$3" -v seps="$4" '
		function pick(list, k) { k = split(list, a, "|"); return a[int(rand() * k) + 1] }
		function often(p) { return rand() < p } # most items are good, else hardly a string would be
		BEGIN {
			srand(seed)
			for (i = 0; i < n; i++) {
				s = ""
				for (j = int(rand() * 3); j >= 0; j--) {
					item = (often(0.85) ? pick("1|2|3|4|+1|01") : pick("0|5|-1|10|x| 2|1 |"))
					item = item (often(0.9) ? ":" : pick("::|:+|: ||;")) pick(words)
					if (often(0.08)) item = item pick(":|:x| |\t|*|\\\\|\"")
					s = s item (j ? (often(0.7) ? " " : pick(seps)) : "")
				}
				printf "%s%c", s, 0
			}
		}'
}

setup_file() {
	"${CC:-cc}" -std=gnu11 -O1 -Wall -Wextra -o "$BATS_FILE_TMPDIR/log-oracle" "$BATS_TEST_DIRNAME/log-oracle.c" -ldl
}

# compare WHAT EFFECT: the strings on stdin (a NUL after each), judged by both; EFFECT makes a list of words of our items
compare() {
	local strings=() i ours theirs bad=0
	cat >"$BATS_TEST_TMPDIR/strings"
	mapfile -d '' strings <"$BATS_TEST_TMPDIR/strings"
	# a command line has room for some thousand
	xargs -0 -n 5000 "$VIRTDIAG" "$1" check --json -- <"$BATS_TEST_TMPDIR/strings" >"$BATS_TEST_TMPDIR/ours" || [ $? -eq 123 ]
	mapfile -d '' ours < <(jq -j '.strings[] | (if .valid then "accept|" + (.items | '"$2"' | join(" ")) else "reject" end)
		+ "\u0000"' "$BATS_TEST_TMPDIR/ours")
	"$BATS_FILE_TMPDIR/log-oracle" "$1" <"$BATS_TEST_TMPDIR/strings" >"$BATS_TEST_TMPDIR/theirs" 2>"$BATS_TEST_TMPDIR/why" ||
		{ tail -n 5 "$BATS_TEST_TMPDIR/why" && false; }
	mapfile -d '' theirs <"$BATS_TEST_TMPDIR/theirs"
	same "${#ours[@]} ${#theirs[@]}" "${#strings[@]} ${#strings[@]}"
	# neither side may have said the same to all
	grep -qz '^reject' "$BATS_TEST_TMPDIR/theirs"
	grep -qz '^accept' "$BATS_TEST_TMPDIR/theirs"
	for i in "${!strings[@]}"; do
		[ "${theirs[i]}" = "${ours[i]}" ] && continue
		# in JSON a byte that is not UTF-8 is U+FFFD
		[ "$(jq -Rsj . <<<"${theirs[i]}")" = "$(jq -Rsj . <<<"${ours[i]}")" ] && continue
		printf '# %q: the daemon: %s, virtdiag: %s\n' "${strings[i]}" "${theirs[i]}" "${ours[i]}"
		bad=$((bad + 1))
	done
	same "$bad of ${#strings[@]} differ" "0 of ${#strings[@]} differ"
}
# cases KIND: the strings of the table, unescaped
cases() {
	local kind string rest
	while IFS=$'\t' read -r kind string rest; do
		[ "$kind" = "$1" ] && printf '%b\0' "${string//\\x0/\\x0}"
	done < <(sed 's/\t/\x01/g' "$CASES" | tr '\001' '\t')
}

teardown_file() {
	timeout 30 virt-admin -q daemon-log-filters --filters ''
}

filter_effect='map((.level | tostring) + ":*" + .match + "*")'
# a destination that is named twice counts once, where it was named last; syslog always has an argument
output_effect='reduce .[] as $i ([]; map(select([.destination, .argument] != [$i.destination, $i.argument])) + [$i])
	| map((.level | tostring) + ":" + .destination
		+ (if .argument or .destination == "syslog" then ":" + (.argument // "") else "" end))'

@test "filters check: the table of known cases -> the daemon's verdict and effect" {
	cases F | compare filters "$filter_effect"
}

@test "filters check: generated strings (VIRTDIAG_STRINGS, 20000) -> the daemon's verdict and effect" {
	generated "${VIRTDIAG_SEED:-1}" "${VIRTDIAG_STRINGS:-20000}" 'qemu|util|rpc|util.object|qemu.qemu_monitor|*|qemu*|util.*|+qemu||a:b|é|x y|[a-c]|?' \
		' | |  |\t|,|;|\n' | compare filters "$filter_effect"
}

@test "outputs check: the table of known cases, those without files -> the daemon's verdict and effect" {
	cases O | grep -zv file: | compare outputs "$output_effect"
}

@test "outputs check: 5000 generated strings -> the daemon's verdict and effect" {
	generated "${VIRTDIAG_SEED:-1}" 5000 \
		'stderr|journald|syslog:virt|file:/dev/null|stderr|journald|syslog:|stderr:x|syslog|journald:|file:/dev/null:1|STDERR|x' \
		' | |  |,|;' | compare outputs "$output_effect"
}
