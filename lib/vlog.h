/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * vlog: a small logging library with static categories, libvirt's filter and output strings, and disabled statements
 * that cost two integer comparisons and never evaluate their arguments.
 *
 * Each source file declares one category and logs through the macros:
 *
 *     VLOG_CATEGORY("myprog.reader");
 *     ...
 *     VLOG_DEBUG("read %zu bytes of %s", n, path);
 *
 * Depends on libc only. Every function is thread-safe, keeps errno, and never ends the process. A process may fork
 * while its threads log; the child can log at once. Not for signal handlers. The header can be included from C (C99
 * with GNU extensions and later) and from C++.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what libvlog exports; all else in it is hidden. */
#define VLOG_PUBLIC __attribute__((visibility("default")))

/* libvirt's numbers: a filter "1:NAME" means VLOG_LEVEL_DEBUG. */
enum vlog_level {
	VLOG_LEVEL_DEBUG = 1,
	VLOG_LEVEL_INFO = 2,
	VLOG_LEVEL_WARN = 3,
	VLOG_LEVEL_ERROR = 4,
};

/*
 * A category. Declared by VLOG_CATEGORY; the two numbers belong to the library: @level is the lowest level that
 * passes, valid while @serial equals vlog_serial. Both are only touched with relaxed atomic operations.
 */
struct vlog_category {
	const char *name;
	unsigned level;
	unsigned serial;
};

/* Bumped by every reconfiguration; starts above 0, so that a new category is always stale. Do not write. */
VLOG_PUBLIC extern unsigned vlog_serial;

#define VLOG_CATEGORY(NAME) static struct vlog_category vlog_self = { NAME, 0, 0 }

/*
 * True when a message of @level may have to be written: relaxed loads and two comparisons, no call. A thread that logs
 * while another reconfigures may still go by the old settings.
 */
static inline bool vlog_wanted(const struct vlog_category *category, unsigned level)
{
	return __atomic_load_n(&category->serial, __ATOMIC_RELAXED) !=
	               __atomic_load_n(&vlog_serial, __ATOMIC_RELAXED) ||
	       level >= __atomic_load_n(&category->level, __ATOMIC_RELAXED);
}

/*
 * Is a message of @level wanted? Brings a stale category up to date first, which vlog_wanted() cannot. Also for the
 * program to ask before work that is only done for the log.
 */
VLOG_PUBLIC bool vlog_enabled(struct vlog_category *category, unsigned level);

/* Arguments are evaluated only when the message is wanted. */
#define VLOG_AT(LEVEL, ...)                                                                                     \
	do {                                                                                                    \
		if (__builtin_expect(vlog_wanted(&vlog_self, (LEVEL)), 0) && vlog_enabled(&vlog_self, (LEVEL))) \
			vlog_write(&vlog_self, (LEVEL), __FILE__, __LINE__, __func__, __VA_ARGS__);             \
	} while (0)

#define VLOG_DEBUG(...) VLOG_AT(VLOG_LEVEL_DEBUG, __VA_ARGS__)
#define VLOG_INFO(...)  VLOG_AT(VLOG_LEVEL_INFO, __VA_ARGS__)
#define VLOG_WARN(...)  VLOG_AT(VLOG_LEVEL_WARN, __VA_ARGS__)
#define VLOG_ERROR(...) VLOG_AT(VLOG_LEVEL_ERROR, __VA_ARGS__)

/*
 * Format and write one message to every output that lets its level through. Called by the macros; checks the category
 * again, refreshing it when it is stale. Keeps errno, reports nothing. @function may be NULL: then it and @line are
 * left out. A newline at the end of the message is dropped.
 *
 * A message is one line, written by one write(2):
 *     2026-11-23 09:18:05.788+0000: 4711: debug : function:line : message
 * with UTC, the kernel's thread id and a message of any length, as libvirt writes it, but for one thing: control
 * characters other than tab, and bytes that are not UTF-8, are written as \n, \r or \xHH, so that no message can forge
 * the head of another or reach a terminal. When there is no memory a long message is cut.
 */
VLOG_PUBLIC void vlog_write(struct vlog_category *category, unsigned level, const char *file, int line,
                            const char *function, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* The same with an argument list. */
VLOG_PUBLIC void vlog_vwrite(struct vlog_category *category, unsigned level, const char *file, int line,
                             const char *function, const char *fmt, va_list ap) __attribute__((format(printf, 6, 0)));

/*
 * What is wrong with a string given to vlog_set_filters() or vlog_set_outputs(): the 0-based byte offset and length of
 * the part at fault (0 and 0 when it is no part in particular) and a sentence.
 */
struct vlog_error {
	size_t offset, length;
	char message[256];
};

/*
 * Replace all filters by @filters, in the grammar that libvirt 9.0.0 reads: "LEVEL:PATTERN ..." separated by spaces;
 * the first whose pattern matches the category decides; "" removes all. All or nothing.
 * Returns 0; -EINVAL when the string is invalid (@error, which may be NULL, says where) or -ENOMEM: the old filters
 * then stay in force.
 */
VLOG_PUBLIC int vlog_set_filters(const char *filters, struct vlog_error *error);

/*
 * Replace all outputs by @outputs, in libvirt's grammar: a list, separated by spaces, of
 *     LEVEL:stderr         standard error
 *     LEVEL:file:PATH      a file, opened for appending, created with mode 0600; PATH has neither colon nor space
 *     LEVEL:syslog:IDENT   /dev/log, facility daemon; no timestamp, the syslog daemon has its own
 *     LEVEL:journald       the journal, by its native protocol, with the fields MESSAGE, PRIORITY, SYSLOG_FACILITY,
 *                          VLOG_CATEGORY, CODE_FILE, CODE_LINE and CODE_FUNC
 * each with the lowest level that it takes. Of items for the same destination the last one counts. No item at all,
 * as in "", brings the default back: standard error takes all that passes the filters, which is "3:stderr" as long as
 * there are no filters and the default level is not changed; so it is in libvirt's client programs.
 *
 * Files are opened before anything changes. All or nothing. When messages cannot be written to a file, one complaint
 * goes to standard error and the messages are lost; without a syslog or journal daemon they are lost quietly.
 * Returns 0; -EINVAL for an invalid string, -ENOMEM, or the negative errno of a file that cannot be opened (@error
 * then points at its path); the old outputs then stay in force.
 */
VLOG_PUBLIC int vlog_set_outputs(const char *outputs, struct vlog_error *error);

/*
 * The level from which categories without a matching filter pass; VLOG_LEVEL_WARN unless set.
 * Returns 0, or -EINVAL when @level is not 1 to 4.
 */
VLOG_PUBLIC int vlog_set_default_level(unsigned level);

/*
 * Set filters, outputs and default level from the environment: PREFIX_LOG_FILTERS, PREFIX_LOG_OUTPUTS and PREFIX_DEBUG
 * (1 to 4, or debug, info, warning, error). An unset or empty variable changes nothing.
 * Returns 0 or the error of the first bad variable, whose name is in @error; later ones are then not looked at.
 */
VLOG_PUBLIC int vlog_init_from_env(const char *prefix, struct vlog_error *error);

/*
 * Open the files of all outputs again, after a log rotation. The number of each descriptor stays the same; a file that
 * cannot be opened keeps its old descriptor.
 * Returns 0 or the negative errno of the first that failed.
 */
VLOG_PUBLIC int vlog_reopen(void);

/*
 * Set what each output begins with: before the first message that it lets through, and again after outputs are set or
 * a reopened file turns out to be a new one, @text is written at level info, a line of @text a line of the log. Meant
 * for "PROGRAM version: X". NULL: no banner, as at the start. Copied; cut after 255 bytes.
 */
VLOG_PUBLIC void vlog_set_banner(const char *text);

/* A function that receives every message that passes the filters, instead of the outputs; see vlog_set_handler(). */
struct vlog_record {
	const char *category, *file, *function;
	const char *message; /* as formatted, nothing escaped; without a trailing newline, length bytes and a NUL */
	size_t length;
	unsigned level;
	int line;
};
typedef void (*vlog_handler_fn)(const struct vlog_record *record, void *data);

/*
 * Give every message that passes the filters to @handler instead of the outputs; NULL brings the outputs back. The
 * handler is called from the thread that logs, with no lock held; what it logs itself goes to the outputs. When this
 * returns, another thread may still be inside the handler that was set before. @data must live as long.
 */
VLOG_PUBLIC void vlog_set_handler(vlog_handler_fn handler, void *data);

/*
 * Close all outputs and free all memory; logging goes on with the defaults, without handler and banner. For leak
 * checkers and unloading.
 */
VLOG_PUBLIC void vlog_shutdown(void);

#ifdef __cplusplus
}
#endif
