#!/usr/bin/env bats
# Protects libvlog as a library for other programs: header, archive, shared object, manual page and the promise that
# a disabled statement makes no call.
load helpers

setup() {
	: "${VIRTDIAG_BUILD:=$BATS_TEST_DIRNAME/../build}"
	SOURCE=$BATS_TEST_DIRNAME/..
	ARCHIVE=$VIRTDIAG_BUILD/libvlog.a
	CC=${CC:-cc}
	cd "$BATS_TEST_TMPDIR" || return 1
	# An archive built with sanitizers must be linked with them.
	SANITIZERS=()
	local symbols
	symbols=$(nm "$ARCHIVE")
	if [[ $symbols == *__asan_* ]]; then SANITIZERS+=("-fsanitize=address,undefined"); fi
	if [[ $symbols == *__tsan_* ]]; then SANITIZERS+=(-fsanitize=thread); fi
}

# What the header declares to be public.
public_names() {
	grep -o '^VLOG_PUBLIC [^;(]*' "$SOURCE/lib/vlog.h" | grep -o 'vlog_[a-z_]*$' | sort -u
}

have() {
	command -v "$1" >/dev/null
}

@test "vlog: header -> compiles alone as C99, C11 and C++" {
	printf '#include "vlog.h"\nVLOG_CATEGORY("a.b");\nvoid f(int n);\nvoid f(int n) { VLOG_DEBUG("%%d", n); VLOG_WARN("x"); }\n' >use.c
	run -0 --separate-stderr "$CC" -std=gnu99 -Wall -Wextra -Werror -I"$SOURCE/lib" -c use.c
	run -0 --separate-stderr "$CC" -std=gnu11 -pedantic -Wall -Wextra -Wshadow -Werror -I"$SOURCE/lib" -c use.c
	if have c++; then
		run -0 --separate-stderr c++ -x c++ -Wall -Wextra -Werror -I"$SOURCE/lib" -c use.c
	fi
}

@test "vlog: wrong format argument -> compiler says so" {
	printf '#include "vlog.h"\nVLOG_CATEGORY("a.b");\nint main(void) { VLOG_DEBUG("%%s", 1); return 0; }\n' >bad.c
	run -1 --separate-stderr "$CC" -Wall -Werror -I"$SOURCE/lib" -c bad.c
	has "$stderr" "-Werror=format" || has "$stderr" "-Wformat"
}

@test "vlog: example of the manual page -> compiles, links with libvlog and libc alone, works" {
	sed -n '/^#include <stdio.h>/,/^\.Ed/p' "$SOURCE/man/vlog.3" | sed '/^\.Ed/d; s/\\e/\\/g' >example.c
	run -0 --separate-stderr "$CC" -Wall -Wextra -Werror -I"$SOURCE/lib" example.c "$ARCHIVE" "${SANITIZERS[@]}" \
		-pthread -o example
	run -0 --separate-stderr ./example /etc/passwd
	same "$output$stderr" ""
	run -1 --separate-stderr ./example /nonexistent
	[[ "$stderr" =~ ^[0-9-]{10}\ [0-9:.]{12}\+0000:\ [0-9]+:\ info\ :\ example\ version:\ 1.0 ]]
	has "$stderr" " : load:12 : cannot open /nonexistent: No such file or directory"
	EXAMPLE_LOG_FILTERS=1:example run -0 --separate-stderr ./example /etc/passwd
	has "$stderr" " : load:10 : loading /etc/passwd"
	EXAMPLE_LOG_FILTERS=7:example run -2 --separate-stderr ./example
	same "$stderr" "example: EXAMPLE_LOG_FILTERS: '7:example' does not begin with a level from 1 (debug) to 4 (error)"
	EXAMPLE_LOG_OUTPUTS=1:file:"$PWD/out.log" EXAMPLE_DEBUG=debug run -0 --separate-stderr ./example
	same "$stderr" ""
	same "$(grep -c . out.log)" 2
}

@test "vlog: manual page -> clean, and knows every public function" {
	if have mandoc; then
		run -0 --separate-stderr mandoc -Tlint -Wwarning "$SOURCE/man/vlog.3"
		same "$output" ""
	fi
	local name
	for name in $(public_names); do
		[ "$name" = vlog_serial ] && continue
		grep -q "^\.F[no] $name\b" "$SOURCE/man/vlog.3" || { echo "not in the manual page: $name"; false; }
	done
}

@test "vlog: shared library -> exports what the header declares and nothing else" {
	same "$(grep -o '^	vlog_[a-z_]*' "$SOURCE/lib/vlog.map" | tr -d '\t')" "$(public_names)"
	run -0 --separate-stderr "$CC" -shared "${SANITIZERS[@]}" -Wl,-soname,libvlog.so.0 \
		-Wl,--version-script="$SOURCE/lib/vlog.map" -Wl,--whole-archive "$ARCHIVE" -Wl,--no-whole-archive \
		-pthread -o libvlog.so.0
	same "$(nm -D --defined-only libvlog.so.0 | sed -n 's/.* \([a-z]*_*vlog_[a-z_]*\)@@VLOG_0$/\1/p' | sort)" "$(public_names)"
	same "$(nm -D --defined-only libvlog.so.0 | grep -c '@@VLOG_0')" "$(public_names | wc -l)"
	printf '#include "vlog.h"\nVLOG_CATEGORY("a.b");\nint main(void) { vlog_set_filters("1:a", 0); VLOG_DEBUG("seen"); return 0; }\n' >use.c
	run -0 --separate-stderr "$CC" -I"$SOURCE/lib" use.c "${SANITIZERS[@]}" ./libvlog.so.0 -o use
	LD_LIBRARY_PATH=. run -0 --separate-stderr ./use
	has "$stderr" " : main:3 : seen"
}

@test "vlog: disabled statement -> two comparisons and no call before the way out" {
	have objdump || skip "needs objdump"
	[ "$(uname -m)" = x86_64 ] || skip "reads x86-64 code"
	cat >hot.c <<'END'
#include "vlog.h"
VLOG_CATEGORY("a.b");
int argument(void);
void hot(void);
void hot(void)
{
	VLOG_DEBUG("%d", argument());
}
END
	local compiler tried=0
	for compiler in gcc clang; do
		have "$compiler" || continue
		tried=$((tried + 1))
		run -0 --separate-stderr "$compiler" -O2 -fcf-protection=none -I"$SOURCE/lib" -c hot.c -o hot.o
		run -0 --separate-stderr objdump -d --no-show-raw-insn hot.o
		# All of the function: two comparisons, and three calls that the run below shows to be behind them.
		same "$(grep -c '[[:space:]]cmp' <<<"$output")" 2
		same "$(grep -cE '[[:space:]]callq? ' <<<"$output")" 3
		cat >run.c <<'END'
#include <stdio.h>
#include "vlog.h"
int calls;
unsigned vlog_serial = 1;
void hot(void);
int argument(void);
int argument(void) { calls++; return 1; }
bool vlog_enabled(struct vlog_category *c, unsigned level) { calls++; c->serial = vlog_serial; c->level = 3; return level >= 3; }
void vlog_write(struct vlog_category *c, unsigned l, const char *f, int n, const char *fn, const char *fmt, ...) { (void)c; (void)l; (void)f; (void)n; (void)fn; (void)fmt; calls++; }
int main(void)
{
	hot();
	printf("%d ", calls);
	for (int i = 0; i < 1000; i++)
		hot();
	printf("%d\n", calls);
	return 0;
}
END
		run -0 --separate-stderr "$compiler" -O2 -I"$SOURCE/lib" run.c hot.o -o run
		run -0 --separate-stderr ./run
		same "$output" "1 1"
	done
	[ "$tried" -gt 0 ]
}
