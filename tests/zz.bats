#!/usr/bin/env bats
# Protects completion where people use it: bash, zsh and fish on a terminal, keys typed one after the other. What counts is
# the words that the program gets when the line is entered.

load helpers
load terminal

ZOO=$BATS_TEST_DIRNAME/hosts/guests-zoo
COMPLETIONS=$BATS_TEST_DIRNAME/../completions

setup() {
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/some dir" "$BATS_TEST_TMPDIR/r/etc/libvirt/qemu"
	touch "$BATS_TEST_TMPDIR/some dir/x y.xml"
	# A guest whose name has every sort of quote; its XML cannot be read, its name is that of the file.
	HARD="it's \"a\" \$b \\c"
	printf '<domain/>' >"$BATS_TEST_TMPDIR/r/etc/libvirt/qemu/$HARD.xml"
	cat >"$BATS_TEST_TMPDIR/bin/virtdiag" <<-X
		#!/bin/sh
		if [ "\$1" = __complete ]; then exec "$VIRTDIAG" "\$@"; fi
		{ printf '<%s>' "\$@"; echo; } >>"$BATS_TEST_TMPDIR/got"
	X
	chmod +x "$BATS_TEST_TMPDIR/bin/virtdiag"
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	end_terminal
}

start_bash() {
	printf '%s\n' "PS1='ready> '" ". '$COMPLETIONS/virtdiag.bash'" >rc
	terminal bash --noprofile --rcfile "$PWD/rc" -i
	sees "ready> "
}

start_zsh() {
	mkdir -p zdot
	printf '%s\n' "PS1='ready> '" "fpath=('$COMPLETIONS' \$fpath)" 'autoload -U compinit' 'compinit -u -D' \
		'unsetopt BEEP' >zdot/.zshrc
	terminal env ZDOTDIR="$PWD/zdot" zsh -d -i
	sees "ready> "
}

start_fish() {
	mkdir -p .config/fish/completions
	cp "$COMPLETIONS/virtdiag.fish" .config/fish/completions/
	printf '%s\n' 'function fish_prompt; echo -n "ready> "; end' 'set -g fish_greeting' >.config/fish/config.fish
	terminal fish
	sees "ready> "
}

# gets TEXT WANTED: after TEXT, where ^I is the Tab key, and Enter, the program has got the words WANTED
gets() {
	local i n=0 part text=$1
	[ ! -e got ] || n=$(wc -l <got)
	while [[ $text == *^I* ]]; do
		part=${text%%^I*} text=${text#*^I}
		[ -z "$part" ] || typed "$part"
		keys Tab
	done
	[ -z "$text" ] || typed "$text"
	keys Enter
	for ((i = 0; i < 300; i++)); do
		[ ! -e got ] || [ "$(wc -l <got)" -le "$n" ] || break
		sleep 0.1
	done
	same "$(tail -n +$((n + 1)) got)" "$2" || {
		screen | sed 's/^/# /'
		touch bad
	}
}

# what all shells must do
everything() {
	gets 'virtdiag sel^Ich^I' '<selinux><check>'
	gets 'virtdiag --color=ne^I guests' '<--color=never><guests>'
	gets 'virtdiag guests --nohe^I' '<guests><--noheadings>'
	gets 'virtdiag filters sugg^Ilx^I' '<filters><suggest><lxc>'
	gets "virtdiag --root $ZOO guests tra^I" "<--root><$ZOO><guests><transient one>"
	gets "virtdiag --root $ZOO guests web\\ 0^I" "<--root><$ZOO><guests><web 01>"
	gets "virtdiag --root $ZOO guests 'web^I" "<--root><$ZOO><guests><web 01>"
	gets "virtdiag --root $ZOO guests \"web^I" "<--root><$ZOO><guests><web 01>"
	gets "virtdiag --root $ZOO guests qemu:ren^I" "<--root><$ZOO><guests><qemu:renamed>"
	gets "virtdiag --root $ZOO guests bü^I" "<--root><$ZOO><guests><büro>"
	gets 'virtdiag --root r guests it^I' "<--root><r><guests><$HARD>"
	gets 'virtdiag filters check 1:security.security_se^I' '<filters><check><1:security.security_selinux>'
	gets 'virtdiag filters check "1:qemu 3:security.security_se^I"' '<filters><check><1:qemu 3:security.security_selinux>'
	gets "virtdiag filters check '1:qemu 3:security.security_se^I'" '<filters><check><1:qemu 3:security.security_selinux>'
	gets 'virtdiag guests -o UU^I' '<guests><-o><UUID>'
	gets 'virtdiag guests -o UUID,ST^I' '<guests><-o><UUID,STATE>'
	gets 'virtdiag --root so^I guests' '<--root><some dir/><guests>'
	gets 'virtdiag selinux check --xml so^Ix^I' '<selinux><check><--xml><some dir/x y.xml>'
}

@test "bash on a terminal: Tab -> commands, options, words, guests, filter strings, columns, files" {
	start_bash
	everything; [ ! -e bad ]
	gets 'virtdiag selinux check --xml=so^Ix^I' '<selinux><check><--xml=some dir/x y.xml>'
}

@test "zsh on a terminal: Tab -> commands, options, words, guests, filter strings, columns, files" {
	start_zsh
	everything; [ ! -e bad ]
	gets 'virtdiag selinux check --xml=so^Ix^I' '<selinux><check><--xml=some dir/x y.xml>'
}

@test "fish on a terminal: Tab -> commands, options, words, guests, filter strings, columns, files" {
	start_fish
	everything; [ ! -e bad ]
}

@test "zsh on a terminal: several candidates -> listed with what they are, in the program's order" {
	start_zsh
	typed "virtdiag --root $ZOO guests "
	keys Tab
	sees "web 01  -- qemu, shut off"
	same "$(screen | grep -oE '^(db1|transient one|c1) ' | tr -d '\n')" "db1 transient one c1 "
}

@test "fish on a terminal: several candidates -> listed with what they are" {
	start_fish
	typed 'virtdiag selinux '
	typed "--root $ZOO ch"
	keys Tab
	typed 'd'
	keys Tab
	sees "db1"
	keys C-u
	typed 'virtdiag '
	keys Tab
	sees "selinux"
	sees "audit the SELinux"
}
