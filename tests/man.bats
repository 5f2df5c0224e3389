#!/usr/bin/env bats
# Protects the manual pages: a page for every command, whose synopsis, options and columns are those of the program.
#
# How a page must be written (mdoc), so that it can be compared with the tables:
# - man/virtdiag-COMMAND.1 for every command; `help` is described in virtdiag(1).
# - SYNOPSIS: one .Nm line for each verb, then its arguments in the program's order:
#       .Nm virtdiag selinux check
#       .Op Ar OPTIONS
#       .Op Ar GUEST...
# - Each verb has its subsection `.Ss VERB` with an `.It` for each of its own options. A command without verbs describes
#   them in DESCRIPTION. Forms, with the name of the value as in --help:
#       .It Fl Fl all
#       .It Fl n , Fl Fl lines Ar N
#       .It Fl Fl session Ns Op = Ns Ar USER
# - Each column that text output can show stands in an item: `.It Cm NAME`, or `.It Cm SINCE , UNTIL`.
# - What every command takes (--root, --json, -o ...) is described in virtdiag(1) alone.
# - Sections: NAME, SYNOPSIS, DESCRIPTION, FILES, EXIT STATUS, EXAMPLES, SEE ALSO.

load helpers

MAN=$BATS_TEST_DIRNAME/../man

setup() {
	run -0 --separate-stderr vd __dump
	# a hidden verb is another name of one that is described
	DUMP=$(jq '.commands[].verbs |= map(select(.flags | index("hidden") | not))' <<<"$output")
}

# dump FILTER [ARG...]: jq on the tables, strings raw
dump() {
	jq -r "$@" <<<"$DUMP"
}

# commands that have a page
paged() {
	dump '.commands[] | select(.flags | index("hidden") | not) | .name | select(. != "help")'
}

# synopses PAGE: its synopsis, one line a form, as --help shows it
synopses() {
	awk '
	/^\.Sh/ { on = $2 == "SYNOPSIS"; next }
	!on { next }
	/^\.Nm/ { if (line) print line; line = substr($0, 5); next }
	/^\.Op Ar/ { line = line " [" substr($0, 8) "]"; next }
	/^\.Ar/ { line = line " " substr($0, 5); next }
	{ line = line " ?" $0 }
	END { if (line) print line }' "$1"
}

# options PAGE [VERB]: the .It Fl items of DESCRIPTION, or of the subsection VERB, sorted
options() {
	awk -v verb="${2:-}" '
	/^\.Sh/ { on = verb == "" && $2 == "DESCRIPTION"; next }
	/^\.Ss/ { on = verb != "" && $2 == verb && NF == 2; next }
	on && /^\.It Fl/ { print substr($0, 5) }' "$1" | sort
}

# wanted_options JQ_PATH: the same from the tables
wanted_options() {
	dump "$1"' | .options[] |
		(if .short then "Fl \(.short) , " else "" end) + "Fl Fl \(.name)" +
		(if .arg == null then "" elif .optional_value then " Ns Op = Ns Ar \(.arg)" else " Ar \(.arg)" end)' | sort
}

@test "man: the page of each command -> exists, with the sections every page has" {
	[ -n "$(paged)" ]
	for command in $(paged); do
		page=$MAN/virtdiag-$command.1
		[ -f "$page" ]
		for section in NAME SYNOPSIS DESCRIPTION FILES 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
			grep -qx "\.Sh $section" "$page" || {
				echo "# $page has no section $section"
				return 1
			}
		done
	done
}

@test "man: pages without a command -> none" {
	for page in "$MAN"/virtdiag-*.1; do
		command=${page##*/virtdiag-}
		has " $(paged | tr '\n' ' ')" " ${command%.1} "
	done
}

@test "man: synopsis of each page -> the synopsis that --help shows" {
	for command in $(paged); do
		echo "# $command"
		same "$(synopses "$MAN/virtdiag-$command.1")" "$(dump --arg c "$command" '.commands[] | select(.name == $c) |
			(if .verbs == [] then . else .verbs[] end) | "virtdiag \(.full_name) \(.synopsis)"')"
	done
}

@test "man: options of each verb -> the options of its table" {
	for command in $(paged); do
		page=$MAN/virtdiag-$command.1
		verbs=$(dump --arg c "$command" '.commands[] | select(.name == $c) | .verbs[].name')
		for verb in ${verbs:-''}; do
			[ "$verb" != "''" ] || verb=
			echo "# $command $verb"
			if [ -n "$verb" ]; then
				grep -qx "\.Ss $verb" "$page"
				path=".commands[] | select(.name == \"$command\") | .verbs[] | select(.name == \"$verb\")"
			else
				path=".commands[] | select(.name == \"$command\")"
			fi
			same "$(options "$page" "$verb")" "$(wanted_options "$path")"
		done
	done
}

# variables FILE...: the names of the environment that the sources read, where they stand in the code
variables() {
	grep -hoE '(getenv|env_set|vd_session_env|xdg_dir)\([^;"]*"[A-Z_]+"' "$@" | sed 's/.*"\(.*\)"/\1/' | sort -u
}

@test "man: every variable of the environment that is read -> stands in a page, that of virtdiag or its command's" {
	local source=$BATS_TEST_DIRNAME/.. name
	items=$(sed -n 's/^\.It Ev //p' "$MAN"/*.1)
	[ "$(variables "$source"/cmd/*.c "$source"/lib/*.c | wc -l)" -gt 10 ]
	while read -r name; do
		echo "# $name"
		has " ${items//[$'\n',]/ } " " $name "
	done < <(variables "$source"/cmd/*.c "$source"/lib/*.c)
	# Where the name is a variable itself, its values are literals in one of the calls above, or known:
	same "$(cd "$source" && grep -lE 'getenv\([^")]' cmd/*.c lib/*.c | tr '\n' ' ')" \
		"cmd/report.c cmd/source-run.c lib/guests-places.c lib/log.c "
	has "$items" "VIRTDIAG_LOG_FILTERS , VIRTDIAG_LOG_OUTPUTS"
}

@test "man: columns of each table -> an item each" {
	for command in $(paged); do
		page=$MAN/virtdiag-$command.1
		items=" $(sed -n 's/^\.It Cm //p' "$page" | tr '\n,' '  ') "
		for column in $(dump --arg c "$command" '.commands[] | select(.name == $c) | (., .verbs[]) | .columns[] |
			select(.text) | .name'); do
			echo "# $command $column"
			has "$items" " $column "
		done
	done
}

@test "man: virtdiag(1) -> describes the global and the table options and lists every command" {
	page=$MAN/virtdiag.1
	same "$(options "$page")" "$({
		wanted_options '{options: .global_options}'
		wanted_options '{options: .table_options}'
	} | sort)"
	for command in $(paged) help; do
		grep -qx "\.It Cm $command" "$page"
	done
	for command in $(paged); do
		grep -q "^\.Xr virtdiag-$command 1" "$page"
	done
}

@test "man: all pages -> mandoc has nothing to complain about" {
	run -0 mandoc -Tlint -W warning "$MAN"/*.[135]
	same "$output" ""
}

# examples: "PAGE ARGUMENTS" of each line of an example, as a shell reads them. What the line pipes or redirects is the
# shell's business, a command substitution's end too.
examples() {
	local page line
	while IFS=: read -r page line; do
		line=${line#*.Dl } line=${line//\\(dq/\"} line=${line//\\e/\\} line=${line#*virtdiag }
		printf '%s %s\n' "${page##*/}" "${line%%[|<>;\)]*}"
	done < <(grep -HE '^\.Dl .*virtdiag' "$MAN"/virtdiag*.1)
}

@test "man: examples of every page -> command lines that the program takes" {
	local page line n=0
	while read -r page line; do
		eval "set -- $line"
		n=$((n + 1))
		run --separate-stderr vd --help "$@"
		[ "$status" -eq 0 ] || {
			echo "# $page: $line: $stderr"
			return 1
		}
	done < <(examples)
	[ "$n" -ge 20 ]
}

@test "man: rendered pages -> no quotation within a quotation" {
	local page
	for page in "$BATS_TEST_DIRNAME"/../man/*.[1-8]; do
		run -0 mandoc -Tutf8 "$page"
		# a macro that does not end where it should: its closing quote comes together with the next one
		if grep -n $'\u2019\u2019' <<<"$output"; then return 1; fi
	done
}

# A captured host that has what the examples name: the guest web01 with logs and a file of each name.
example_host() {
	local logs=$HOSTS/guest-logs/var/log/libvirt
	cp -r "$HOSTS/faulty-backing" host
	mkdir -p host/var/log/libvirt/qemu
	cp "$logs/qemu/lf-rot.log" host/var/log/libvirt/qemu/web01.log
	cp "$logs/qemu/lf-rot.log.0" host/var/log/libvirt/qemu/web01.log.0
	cp -r "$HOSTS/selinux-denials/var/log/audit" host/var/log/
	cp "$BATS_TEST_DIRNAME/data/logs/libvirtd.log" libvirtd.log
	cp "$HOSTS/selinux-denials/var/log/audit/audit.log" messages.txt
	cp libvirtd.log journal.txt
	cp host/etc/libvirt/qemu/web01.xml new.xml
}

@test "man: examples of every page that only look -> run on a captured host; a verdict or no verdict, never a usage error" {
	local page line n=0 verdicts=0
	cd "$BATS_TEST_TMPDIR" || return 1
	example_host
	while read -r page line; do
		case "$page $line" in
		# these change this machine, which is refused for a capture; follow; ask at a prompt; are about a tree
		*'filters apply'* | *'selinux permissive'* | *'svirt '*--restart* | *'logs tail'* | virtdiag-shell.1* | virtdiag-source.1*) continue ;;
		esac
		eval "set -- ${line//\/var\/log\/libvirt\//$PWD/}"
		if [ "$1" = --root ]; then shift 2; fi
		n=$((n + 1))
		run --separate-stderr vd --root host "$@" <libvirtd.log
		case $status in
		0 | 1) verdicts=$((verdicts + 1)) ;;
		3) [ -n "$output$stderr" ] ;;
		*)
			echo "# $page: $line: $status: $stderr"
			return 1
			;;
		esac
	done < <(examples)
	echo "# $n examples, $verdicts verdicts"
	[ "$n" -ge 30 ] && [ "$verdicts" -ge 25 ]
}
