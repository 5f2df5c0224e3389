# shellcheck shell=bash
# shellcheck disable=SC1003 # a backslash in quotes is one
# Completion of virtdiag for bash. SPDX-License-Identifier: LGPL-2.1-or-later
#
# The program knows what may stand where; this script takes the line apart as the shell will, asks
# `virtdiag __complete`, and quotes the answers for the place where readline puts them.

# Split the line up to the cursor into _virtdiag_words (quotes removed, the last one is the word at the cursor).
# _virtdiag_quote: the quote that the last word is in, or nothing. _virtdiag_kept: how much of the last word (quotes
# removed) stands before the part that readline replaces; it breaks words at quotes and at $COMP_WORDBREAKS.
_virtdiag_split() {
	local line=${COMP_LINE:0:COMP_POINT} word='' char i started=
	_virtdiag_words=() _virtdiag_quote='' _virtdiag_kept=0
	for ((i = 0; i < ${#line}; i++)); do
		char=${line:i:1}
		case $_virtdiag_quote$char in
		"''" | '""')
			_virtdiag_quote='' _virtdiag_kept=${#word}
			;;
		"'"?) word+=$char ;;
		'"\')
			# Inside "..." a backslash quotes these only.
			case ${line:i+1:1} in
			['"\$`']) word+=${line: ++i:1} ;;
			*) word+=$char ;;
			esac
			;;
		'"'?) word+=$char ;;
		"'" | '"')
			_virtdiag_quote=$char _virtdiag_kept=${#word} started=1
			;;
		'\')
			word+=${line: ++i:1} started=1
			;;
		[[:blank:]])
			if [[ $started ]]; then _virtdiag_words+=("$word"); fi
			word='' started='' _virtdiag_kept=0
			;;
		*)
			word+=$char started=1
			if [[ $COMP_WORDBREAKS == *"$char"* ]]; then _virtdiag_kept=${#word}; fi
			;;
		esac
	done
	_virtdiag_words+=("$word")
}

# Quote $1 for the place of the cursor; the result is in _virtdiag_reply.
_virtdiag_requote() {
	local i char special
	case $_virtdiag_quote in
	"'") _virtdiag_reply=${1//\'/\'\\\'\'} && return ;;
	'"') special='"$`\' ;;
	*) special=$' \t"\'$`\\!&|;<>(){}[]*?#~' ;;
	esac
	_virtdiag_reply=
	for ((i = 0; i < ${#1}; i++)); do
		char=${1:i:1}
		if [[ $special == *"$char"* ]]; then char=\\$char; fi
		_virtdiag_reply+=$char
	done
}

_virtdiag() {
	local _virtdiag_words _virtdiag_quote _virtdiag_kept _virtdiag_reply IFS=$' \t\n'
	local -a lines
	local line directive program=${1/#\~\//$HOME/}
	COMPREPLY=()
	_virtdiag_split
	mapfile -t lines < <("$program" __complete -- "${_virtdiag_words[@]:1}" 2>/dev/null)
	directive=${lines[0]-}
	case $directive in
	:files*) compopt -o default 2>/dev/null ;;
	:dirs*)
		compopt -o filenames 2>/dev/null
		line=${_virtdiag_words[${#_virtdiag_words[@]} - 1]}
		mapfile -t COMPREPLY < <(compgen -d -- "${line:_virtdiag_kept}")
		return
		;;
	esac
	for line in "${lines[@]:1}"; do
		line=${line%%$'\t'*}
		_virtdiag_requote "${line:_virtdiag_kept}"
		COMPREPLY+=("$_virtdiag_reply")
	done
	if [[ $directive == *' nospace'* || ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:=,/] ]]; then
		compopt -o nospace 2>/dev/null
	fi
}

if ((BASH_VERSINFO[0] > 4 || BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4)); then
	complete -o nosort -F _virtdiag virtdiag
else
	complete -F _virtdiag virtdiag
fi
