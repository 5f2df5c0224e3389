#!/usr/bin/env bash
# Rules of the house that a program can check. Prints TAP. Run by `make lint`.
set -u
cd "$(dirname "$0")/.." || exit 3
n=0 failed=0

# rule NAME OUTPUT: OUTPUT is what breaks the rule, empty when nothing does
rule() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - lint: $1"
	else
		echo "not ok $n - lint: $1"
		printf '%s\n' "$2" | sed 's/^/#   /'
		failed=1
	fi
}
# tool COMMAND: a missing tool breaks its rule; `make deps` installs all of them
tool() {
	command -v "$1" >/dev/null || echo "$1 is not installed: make deps"
}

C_FILES=(lib/*.[ch] cmd/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch] tests/bench/*.[ch])

rule "lib includes nothing of cmd" "$(grep -nE '#include "(command|report)\.h"' lib/*.[ch])"
rule "cmd-*.c include no other cmd-*" "$(grep -nE '#include "cmd-' cmd/cmd-*.c | grep -vE '#include "cmd-[a-z]+-internal\.h"')"
rule "lib/log* and vlog.h know only libc and macros.h" \
	"$(grep -nE '#include "' lib/log*.[ch] lib/vlog.h | grep -vE '"(macros|vlog|log-grammar|log-internal)\.h"')"

# one foreign library, one file
border() { # border PATTERN FILE
	rule "only $2 includes <$1>" "$(grep -nE "#include <$1" lib/*.[ch] cmd/*.[ch] | grep -v "^$2:")"
}
border 'libxml/' lib/xml.c
border 'libmount' lib/mounts.c
border 'selinux/' lib/label.c
border 'json-c/' lib/json.c
border 'auparse' lib/audit.c
border 'libsmartcols' cmd/report-text.c
border 'readline/' cmd/cmd-shell.c
border 'pcre2' lib/match.c
border 'systemd/' lib/journal.c
border '(zlib|lzma|zstd)\.h' lib/unpack.c

rule "lib does not end the process" "$(grep -nE '\b(exit|_exit|abort|err|errx|die)\(' lib/*.c | grep -vE '^lib/[a-z-]+\.c:[0-9]+:\s*(/?\*|.*/\*)')"
rule "lib does not print" "$(grep -nE '\b(printf|puts|putchar|perror|fputs|fprintf)\(' lib/*.c | grep -v '^lib/log')"
rule "no calls that cannot be used safely" \
	"$(grep -nE '\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|localtime|gmtime|ctime|mktemp|gets|atoi|atol)\(' "${C_FILES[@]}")"
rule "no // comments" "$(grep -nE '^\s*//|[;{}]\s*//' "${C_FILES[@]}")"
rule "every source file names its licence" "$(grep -LE '^/\* SPDX-License-Identifier: LGPL-2.1-or-later \*/' "${C_FILES[@]}")"
rule "no file above 800 lines" "$(wc -l lib/*.c cmd/*.c | awk '$2 != "total" && $1 > 800 {print $2 ": " $1}')"
rule "every file of lib/ that logs has one category of its own" \
	"$(grep -hoE 'VLOG_CATEGORY\("[^"]+"\)' lib/*.c cmd/*.c | sort | uniq -d)"

alone=
for h in lib/*.h cmd/*.h; do
	alone+=$("${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -Ilib -Icmd -fsyntax-only -include "$h" -x c /dev/null 2>&1)
done
rule "every header can be included alone" "$alone"
rule "vlog.h can be included from C++" "$(if command -v c++ >/dev/null; then c++ -Ilib -fsyntax-only -Wall -Wextra -include vlog.h -x c++ /dev/null 2>&1; fi)"

rule "clang-format agrees" "$(tool clang-format; clang-format --dry-run -Werror "${C_FILES[@]}" 2>&1 | grep -E 'error:|warning:' | head -20)"
rule "shellcheck agrees" "$(tool shellcheck; shellcheck -x -e SC1091,SC2154,SC2034,SC2016,SC2001,SC1003 tests/run tests/check tests/deps tests/demo tests/ci-* tests/*.sh \
	tests/live/live tests/live/*.ba* tests/vm/vm tests/vm/*.ba* tests/vm/image/{agent,customize,make} \
	tests/fuzz/run tests/bench/run tests/*.bash tests/*.bats completions/virtdiag.bash .ci/run 2>&1 | head -40)"
rule "mandoc agrees" "$(tool mandoc; mandoc -Tlint -W warning man/*.[135] 2>&1)"
rule "codespell agrees" "$(tool codespell; codespell -q 3 -L conectix,nd,fo,hasnt,fitlers,chekc --skip='*.tsv,*.xml,*.json,*.jsonl' README.md Makefile lib cmd man completions tests/*.bats 2>&1)"
rule "no trailing blanks" "$(grep -nE '[[:blank:]]+$' Makefile README.md "${C_FILES[@]}" man/* tests/*.bats tests/*.sh tests/*.bash completions/* | head)"

echo "1..$n"
exit $failed
