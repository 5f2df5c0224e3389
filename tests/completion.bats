#!/usr/bin/env bats
# Protects completion: what the program offers, how the bash script takes a line apart and quotes the answers, and the
# whole way through readline on a pseudo terminal.

load helpers

ZOO=$BATS_TEST_DIRNAME/hosts/guests-zoo
SCRIPT=$BATS_TEST_DIRNAME/../completions/virtdiag.bash

# words WORD...: the candidates of the program without descriptions, one a line; the directive first
words() {
	run -0 --separate-stderr vd __complete -- "$@"
	same "$stderr" ""
	output=$(cut -f1 <<<"$output")
}

# replies LINE: what the bash script answers with the cursor at the end of LINE, one a line
replies() {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	ln -sf "$VIRTDIAG" "$BATS_TEST_TMPDIR/bin/virtdiag"
	# shellcheck disable=SC1003 # a backslash is not meant
	run -0 --separate-stderr env PATH="$BATS_TEST_TMPDIR/bin:$PATH" LC_ALL=C.UTF-8 bash --norc -c '
		. "$1"
		COMP_WORDBREAKS=$'\'' \t\n"\'\''><=;|&(:'\'' COMP_LINE=$2 COMP_POINT=${#2}
		_virtdiag virtdiag
		printf "%s\n" "${COMPREPLY[@]}"' - "$SCRIPT" "$1"
	same "$stderr" ""
}

@test "complete: nothing typed -> the commands, none of the hidden ones, with descriptions" {
	run -0 --separate-stderr vd __complete -- ''
	same "${lines[0]}" ":words"
	same "$(cut -f1 <<<"$output" | tail -n +2)" "$(vd __dump |
		jq -r '.commands[] | select(.flags | index("hidden") | not) | .name')"
	has "$output" $'selinux\t'
}

@test "complete: commands and verbs -> those that begin with what was typed" {
	words sel
	same "$output" ":words
selinux"
	words selinux 'c'
	same "$output" ":words
check"
	words filters ex
	same "$output" ":words
explain"
	words help fil
	same "$output" ":words
filters"
	words nosuch ''
	same "$output" ":words"
}

@test "complete: every command of the dump -> each of its options is offered" {
	run -0 --separate-stderr vd __dump
	dump=$output
	while read -r command; do
		# shellcheck disable=SC2086 # words are wanted
		words $command --
		while read -r option; do
			has "$output"$'\n' $'\n'"--$option"$'\n'
		done < <(jq -r --arg c "$command" '.global_options[].name, (.commands[] | (., .verbs[]) |
			select(.full_name == $c) | .options[].name)' <<<"$dump")
	done < <(jq -r '.commands[] | select(.flags | index("hidden") | not) | (., .verbs[]) | select(.verbs == []) |
		.full_name' <<<"$dump")
}

@test "complete: values -> words of an enum, after = as well; nothing for what cannot be known" {
	words --color=a
	same "$output" ":words
--color=auto
--color=always"
	words __sample --status ''
	same "$output" ":words
ok
problem
unknown
warning"
	words __sample --status=un
	same "$output" ":words
--status=unknown"
	words __sample --number ''
	same "$output" ":words"
	words guests --nosuch=x
	same "$output" ":words"
}

@test "complete: behind -- and inside a command to run -> no options" {
	words __sample -- --
	same "$output" ":words"
	words __sample x cmd --
	same "$output" ":words"
}

@test "complete: paths -> left to the shell" {
	words --root ''
	same "$output" ":dirs"
	words --root=/x
	same "$output" ":dirs"
	words selinux check --xml ''
	same "$output" ":files"
}

@test "complete: columns -> in any case, after a comma, +, attached to -o, none twice" {
	words guests -o uu
	same "$output" ":words nospace
UUID"
	words guests --output=+GUEST,DRIVER,D
	same "$output" ":words nospace"
	words guests -oGUEST,DRI
	same "$output" ":words nospace
-oGUEST,DRIVER"
	words guests -no UUID,S
	has "$output" "UUID,STATE"
	words __sample -o V
	same "$output" ":words nospace"
}

@test "complete: guests -> of the root on the line, running ones first, not twice, ambiguous ones by driver too" {
	words --root "$ZOO" guests ''
	same "$(sed -n 2,4p <<<"$output")" "db1
transient one
c1"
	has "$output" "
web 01"
	words --root "$ZOO" guests db1 d
	same "$output" ":words"
	words guests --root "$ZOO" qemu:b
	same "$output" ":words
qemu:both
qemu:büro"
	words --root "$BATS_TEST_TMPDIR/none" guests ''
	same "$output" ":words"
}

@test "complete: guests of a root whose files may not be read -> the names of the files" {
	mkdir -p "$BATS_TEST_TMPDIR/r/etc/libvirt/qemu"
	mkfifo "$BATS_TEST_TMPDIR/r/etc/libvirt/qemu/web7.xml"
	words --root "$BATS_TEST_TMPDIR/r" guests w
	same "$output" ":words
web7"
}

@test "complete: filter strings -> levels, then categories of the item at the cursor" {
	words filters check ''
	same "$output" ":words nospace
1:
2:
3:
4:"
	words filters check '1:qemu 3:security.security_se'
	same "$output" ":words nospace
1:qemu 3:security.security_selinux"
	words filters check '1:qemu 3'
	has "$output" "1:qemu 3:security.security_selinux"
	words filters check 1:qemu_monitor_
	same "$output" ":words nospace
1:qemu_monitor_json"
	words --log-outputs '1:file:/a 3:jo'
	same "$output" ":words nospace
1:file:/a 3:journald"
}

@test "complete: no words at all -> status 2, nothing printed" {
	run -2 --separate-stderr vd __complete --
	same "$output" ""
}

@test "bash: blanks, quotes and backslashes -> one word, answered in the quoting of the line" {
	replies "virtdiag --root $ZOO guests web"
	same "$output" 'web\ 01'
	replies "virtdiag --root $ZOO guests web\\ 0"
	same "$output" 'web\ 01'
	replies "virtdiag --root $ZOO guests \"web"
	same "$output" 'web 01'
	replies "virtdiag --root $ZOO guests 'web 0"
	same "$output" 'web 01'
	replies "virtdiag --root '$ZOO' guests web"
	same "$output" 'web\ 01'
	replies "virtdiag --root $ZOO guests bü"
	same "$output" 'büro'
}

@test "bash: guests with quotes, dollars and quotes of the line in their names -> what the shell reads back" {
	mkdir -p "$BATS_TEST_TMPDIR/r/etc/libvirt/qemu"
	name="it's \"a\" \$b \`c\` \\d"
	printf '<domain/>' >"$BATS_TEST_TMPDIR/r/etc/libvirt/qemu/$name.xml"
	for quote in '' '"' "'"; do
		replies "virtdiag --root $BATS_TEST_TMPDIR/r guests ${quote}it"
		eval "read_back=$quote$output$quote"
		# shellcheck disable=SC2154 # set by eval
		same "$read_back" "$name"
	done
}

@test "bash: colons and equals signs -> only the part that readline replaces" {
	replies "virtdiag --root $ZOO guests qemu:bo"
	same "$output" both
	replies "virtdiag --root $ZOO guests 'qemu:bo"
	same "$output" qemu:both
	replies 'virtdiag --color=al'
	same "$output" always
	replies 'virtdiag filters check 1:security.security_se'
	same "$output" security.security_selinux
	replies 'virtdiag filters check "1:qemu 3:security.security_se'
	same "$output" '1:qemu 3:security.security_selinux'
	replies 'virtdiag filters check 1:qemu\ 3:security.security_se'
	same "$output" 'security.security_selinux'
}

@test "bash: directories -> those of the file system" {
	mkdir -p "$BATS_TEST_TMPDIR/caps/one" "$BATS_TEST_TMPDIR/caps/two"
	touch "$BATS_TEST_TMPDIR/caps/three"
	replies "virtdiag --root $BATS_TEST_TMPDIR/caps/t"
	same "$output" "$BATS_TEST_TMPDIR/caps/two"
	replies "virtdiag --root=$BATS_TEST_TMPDIR/caps/o"
	same "$output" "$BATS_TEST_TMPDIR/caps/one"
}

@test "bash: tabs typed at a prompt -> the words that the command gets" {
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/some dir"
	cat >"$BATS_TEST_TMPDIR/bin/virtdiag" <<-X
		#!/bin/sh
		if [ "\$1" = __complete ]; then exec "$VIRTDIAG" "\$@"; fi
		{ printf '<%s>' "\$@"; echo; } >>"$BATS_TEST_TMPDIR/got"
	X
	chmod +x "$BATS_TEST_TMPDIR/bin/virtdiag"
	printf '%s\n' "PATH=$BATS_TEST_TMPDIR/bin:\$PATH" ". $SCRIPT" "cd '$BATS_TEST_TMPDIR'" >"$BATS_TEST_TMPDIR/rc"
	printf '%s\n' $'virtdiag selinux ch\t' \
		$'virtdiag filters check "1:qemu 3:security.security_se\t' \
		$'virtdiag filters check 1:security.security_se\t' \
		"virtdiag --root $ZOO guests web"$'\t' \
		"virtdiag --root $ZOO guests 'web"$'\t' \
		"virtdiag --root $ZOO guests qemu:web"$'\t' \
		$'true; virtdiag --color=au\t guests' \
		$'virtdiag --root so\t guests' \
		$'virtdiag selinux check --xml=./r\t' \
		$'virtdiag guests -o UU\t,DR\t' \
		exit >"$BATS_TEST_TMPDIR/keys"
	env INPUTRC=/dev/null HISTFILE= TERM=dumb LC_ALL=C.UTF-8 timeout 20 script -qec \
		"bash --noprofile --rcfile '$BATS_TEST_TMPDIR/rc' -i" /dev/null <"$BATS_TEST_TMPDIR/keys" \
		>"$BATS_TEST_TMPDIR/screen" 2>&1
	same "$(<"$BATS_TEST_TMPDIR/got")" "<selinux><check>
<filters><check><1:qemu 3:security.security_selinux>
<filters><check><1:security.security_selinux>
<--root><$ZOO><guests><web 01>
<--root><$ZOO><guests><web 01>
<--root><$ZOO><guests><qemu:web 01>
<--color=auto><guests>
<--root><some dir/><guests>
<selinux><check><--xml=./rc>
<guests><-o><UUID,DRIVER>"
}
