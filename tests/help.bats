#!/usr/bin/env bats
# Protects what the command tables promise: help for every command, errors that lead to it, and tables without mistakes.

load helpers

# every command line that names a command: "", "guests", "selinux", "selinux check", ...
all_commands() {
	run -0 --separate-stderr vd __dump
	jq -r '.commands[] | select(.flags | index("hidden") | not) | (., .verbs[]) | .full_name' <<<"$output"
}

# no_wider TEXT: every line fits 80 columns
no_wider() {
	same "$(awk 'length > 80' <<<"$1")" ""
}

@test "selftest: the command tables -> no faults" {
	run -0 --separate-stderr vd __selftest
	has "$output" " 0 faults"
	same "$stderr" ""
}

@test "help: --help, -h and help of each command -> the same page on stdout, 80 columns, status 0" {
	commands=$(all_commands)
	[ "$(wc -l <<<"$commands")" -ge 5 ]
	while read -r command; do
		echo "# $command"
		# shellcheck disable=SC2086 # words are wanted
		run -0 --separate-stderr vd $command --help
		same "$stderr" ""
		has "$output" "Usage: virtdiag $command"
		no_wider "$output"
		page=$output
		# shellcheck disable=SC2086
		run -0 --separate-stderr vd -h $command
		same "$output" "$page"
		# shellcheck disable=SC2086
		run -0 --separate-stderr vd help $command
		same "$output" "$page"
	done <<<"$commands"
}

@test "help: page of each command -> names its options, columns, arguments and examples" {
	run -0 --separate-stderr vd __dump
	dump=$output
	while read -r command; do
		# shellcheck disable=SC2086
		run -0 --separate-stderr vd $command --help
		# an example that is too wide goes on behind a backslash
		page=$(sed -z 's/ \\\n */ /g' <<<"$output")
		while read -r word; do
			has "$page" "$word"
		done < <(jq -r --arg c "$command" '.commands[] | (., .verbs[]) | select(.full_name == $c) |
			(.options[] | "--" + .name), (.columns[] | select(.text) | .name), .arguments[].name, .examples[]?' <<<"$dump" |
			# examples are wrapped: their first word will do
			awk '/^virtdiag/ || NF == 1')
	done < <(jq -r '.commands[] | select(.flags | index("hidden") | not) | (., .verbs[]) | select(.verbs == []) |
		.full_name' <<<"$dump")
}

@test "help: unknown option of each command -> status 2, stderr only, pointer to its help" {
	while read -r command; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr vd $command --no-such-option
		same "$output" ""
		has "$stderr" "unknown option '--no-such-option'"
		has "$stderr" "Try 'virtdiag $command --help'."
	done < <(all_commands)
}

@test "help: no command -> the commands on stderr, status 2" {
	run -2 --separate-stderr vd
	same "$output" ""
	has "$stderr" "Usage: virtdiag"
	has "$stderr" "selinux"
	hasnt "$stderr" "__"
}

@test "help: virtdiag itself -> all commands and global options, 80 columns" {
	run -0 --separate-stderr vd --help
	no_wider "$output"
	for word in guests selinux cgroup filters outputs --root --json --strict "Exit status"; do
		has "$output" "$word"
	done
	hasnt "$output" "__"
	page=$output
	run -0 --separate-stderr vd help
	same "$output" "$page"
	run -2 --separate-stderr vd help nosuch
	has "$stderr" "no command 'nosuch'"
	run -2 --separate-stderr vd help selinux nosuch
	has "$stderr" "no command 'selinux nosuch'"
}

@test "help: --version -> name and version" {
	run -0 --separate-stderr vd --version
	[[ $output =~ ^virtdiag\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	run -0 --separate-stderr vd selinux check -V
	[[ $output == virtdiag\ * ]]
}

@test "did you mean: mistyped commands, verbs and options -> the nearest name" {
	while IFS='|' read -r line meant; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr vd $line
		same "$output" ""
		has "$stderr" "did you mean '$meant'?"
	done <<-X
		selinxu|selinux
		guest|guests
		filtesr check x|filters
		selinux chexk|check
		filters exlpain x|explain
		guests --jsno|--json
		guests --outptu X|--output
		selinux check --categorie c1,c2|--categories
		guests --strcit|--strict
	X
}

@test "did you mean: nothing near -> no guess" {
	run -2 --separate-stderr vd zzzzzz
	same "$stderr" "virtdiag: unknown command 'zzzzzz'
Try 'virtdiag --help'."
}

@test "abbreviations: of commands and options -> refused" {
	run -2 --separate-stderr vd selin check
	run -2 --separate-stderr vd selinux ch
	run -2 --separate-stderr vd guests --noh
}
