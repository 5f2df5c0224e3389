#!/usr/bin/env bats
# Protects the README: what it shows is what the program prints, and the commands that it names exist.

load helpers

README=$BATS_TEST_DIRNAME/../README.md

@test "readme: every '\$ virtdiag' screen -> printed by the program as shown" {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	local n=0 command='' shown='' line
	check() {
		eval "run --separate-stderr vd ${command#virtdiag }" # quoted and redirected as for a shell
		[ "$status" -lt 4 ] || return 1
		same "$(sed 's/[[:blank:]]*$//' <<<"$output")" "${shown%$'\n'}"
	}
	while IFS= read -r line; do
		if [[ "$line" == '    $ virtdiag'* ]]; then
			command=${line#    \$ } shown='' n=$((n + 1))
		elif [ -n "$command" ] && { [[ "$line" == '    '* ]] || [ -z "$line" ]; }; then
			shown+=${line#    }$'\n'
		elif [ -n "$command" ]; then
			while [[ "$shown" == *$'\n\n' ]]; do shown=${shown%$'\n'}; done
			check || return 1
			command=''
		fi
	done <"$README"
	[ -z "$command" ] || return 1
	[ "$n" -ge 1 ]
}

@test "readme: every command of its table -> has that verb; every verb is in the table" {
	local named all
	named=$(grep -oE '^\| `virtdiag [a-z]+( [a-z]+)?' "$README" | sed 's/^| `virtdiag //' | sort)
	run -0 --separate-stderr vd __dump
	# shellcheck disable=SC2016 # jq's variables
	all=$(jq -r '.commands[] | select((.flags | index("hidden") | not) and .name != "help") | . as $c | if (.verbs // [] | length) > 0 then .verbs[] | select(.flags | index("hidden") | not) | "\($c.name) \(.name)" else $c.name end' <<<"$output" | sort)
	same "$named" "$all"
}

@test "readme: the screens -> show every command of --help" {
	local shown command
	# the command is the first word behind the options
	shown=" $(sed -nE 's/^    \$ virtdiag (--root [^ ]+ )?([a-z]+).*/\2/p' "$README" | tr '\n' ' ')"
	run -0 --separate-stderr vd __dump
	for command in $(json '.commands[] | select(.flags | index("hidden") | not) | .name'); do
		has "$shown" " $command "
	done
	[ "$(wc -l <"$README")" -le 330 ]
}
