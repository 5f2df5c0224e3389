# Programs on a terminal of their own, driven and looked at through tmux. Load it with `load terminal`.

# terminal COMMAND...: starts COMMAND on a terminal of 100 columns and 40 lines, in a clean environment. Without the search
# for leaks: clang's, cut short by the end of the terminal, has been seen to stay and spin for ever.
terminal() {
	local line env=(PATH="$BATS_TEST_TMPDIR/bin:$PATH" HOME="$BATS_TEST_TMPDIR" TERM=screen LC_ALL=C.UTF-8
		INPUTRC=/dev/null ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" UBSAN_OPTIONS="${UBSAN_OPTIONS-}")
	printf -v line '%q ' env -i "${env[@]}" "$@"
	# A server of its own each time: the last one may still be about to leave.
	TMUX_SOCKET=$(mktemp -u "$BATS_TEST_TMPDIR/tmux-XXXXXX")
	tmux -S "$TMUX_SOCKET" -f /dev/null new-session -d -x 100 -y 40 "$line; echo \"ended with \$?\"; exec sleep 60"
}

# keys KEY...: as tmux names them: Tab, Enter, C-c, Up; other text is typed
keys() {
	tmux -S "$TMUX_SOCKET" send-keys -- "$@"
}

# typed TEXT: exactly this text, whatever keys are called
typed() {
	tmux -S "$TMUX_SOCKET" send-keys -l -- "$1"
}

# screen: what is on it, with what has scrolled away
screen() {
	# The command substitution drops empty lines at the end.
	printf '%s\n' "$(tmux -S "$TMUX_SOCKET" capture-pane -pJ -S -500 | sed 's/[[:blank:]]*$//')"
}

# sees TEXT [TIMES]: waits until TEXT is on the screen (on so many lines); fails when it never comes. Blanks at the end of
# TEXT cannot be seen.
sees() {
	local i text=${1%"${1##*[![:blank:]]}"}
	for ((i = 0; i < 300; i++)); do
		[ "$(screen | grep -cF -- "$text")" -lt "${2:-1}" ] || return 0
		sleep 0.1
	done
	echo "# not on the screen: $1"
	screen | sed 's/^/# /'
	return 1
}

# end_terminal: for teardown
end_terminal() {
	if [ -n "${TMUX_SOCKET:-}" ]; then tmux -S "$TMUX_SOCKET" kill-server 2>/dev/null || true; fi
}
