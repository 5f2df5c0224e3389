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
 * Depends on libc only. Every function is thread-safe, keeps errno, and never ends the process. The header can be
 * included from C (C99 with GNU extensions and later) and from C++.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

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
extern unsigned vlog_serial;

#define VLOG_CATEGORY(NAME) static struct vlog_category vlog_self = { NAME, 0, 0 }

/* True when a message of @level may have to be written: two relaxed loads and comparisons, no call. */
static inline bool vlog_wanted(const struct vlog_category *category, unsigned level)
{
	return __atomic_load_n(&category->serial, __ATOMIC_RELAXED) !=
	               __atomic_load_n(&vlog_serial, __ATOMIC_RELAXED) ||
	       level >= __atomic_load_n(&category->level, __ATOMIC_RELAXED);
}

/* Arguments are evaluated only when the message may have to be written. */
#define VLOG_AT(LEVEL, ...)                                                                         \
	do {                                                                                        \
		if (__builtin_expect(vlog_wanted(&vlog_self, (LEVEL)), 0))                          \
			vlog_write(&vlog_self, (LEVEL), __FILE__, __LINE__, __func__, __VA_ARGS__); \
	} while (0)

#define VLOG_DEBUG(...) VLOG_AT(VLOG_LEVEL_DEBUG, __VA_ARGS__)
#define VLOG_INFO(...)  VLOG_AT(VLOG_LEVEL_INFO, __VA_ARGS__)
#define VLOG_WARN(...)  VLOG_AT(VLOG_LEVEL_WARN, __VA_ARGS__)
#define VLOG_ERROR(...) VLOG_AT(VLOG_LEVEL_ERROR, __VA_ARGS__)

/*
 * Format and write one message to every output that lets its level through. Called by the macros; checks the category
 * again, refreshing it when it is stale. Keeps errno, reports nothing.
 */
void vlog_write(struct vlog_category *category, unsigned level, const char *file, int line, const char *function,
                const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* The same with an argument list. */
void vlog_vwrite(struct vlog_category *category, unsigned level, const char *file, int line, const char *function,
                 const char *fmt, va_list ap) __attribute__((format(printf, 6, 0)));

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
int vlog_set_filters(const char *filters, struct vlog_error *error);

/*
 * Replace all outputs by @outputs: "LEVEL:stderr", "LEVEL:file:PATH", separated by spaces; "" is the default,
 * "3:stderr". Files are opened (append, created with mode 0600) before anything changes. All or nothing.
 * Returns 0; -EINVAL for an invalid string, -ENOMEM, or the negative errno of a file that cannot be opened; the old
 * outputs then stay in force.
 */
int vlog_set_outputs(const char *outputs, struct vlog_error *error);

/*
 * The level from which categories without a matching filter pass; VLOG_LEVEL_WARN unless set.
 * Returns 0, or -EINVAL when @level is not 1 to 4.
 */
int vlog_set_default_level(unsigned level);

/*
 * Set filters, outputs and default level from the environment: PREFIX_LOG_FILTERS, PREFIX_LOG_OUTPUTS and PREFIX_DEBUG
 * (1 to 4, or debug, info, warning, error). An unset or empty variable changes nothing.
 * Returns 0 or the error of the first bad variable, whose name is in @error; later ones are then not looked at.
 */
int vlog_init_from_env(const char *prefix, struct vlog_error *error);

/*
 * Open the files of all outputs again, after a log rotation. A file that cannot be opened keeps its old descriptor.
 * Returns 0 or the negative errno of the first that failed.
 */
int vlog_reopen(void);

/* A function that receives every message that passes the filters, instead of the outputs; see vlog_set_handler(). */
struct vlog_record {
	const char *category, *file, *function, *message; /* message: no trailing newline, length bytes */
	size_t length;
	unsigned level;
	int line;
};
typedef void (*vlog_handler_fn)(const struct vlog_record *record, void *data);

/* Give every message that passes the filters to @handler instead of the outputs; NULL brings the outputs back. */
void vlog_set_handler(vlog_handler_fn handler, void *data);

/* Close all outputs and free all memory; logging goes on with the defaults. For leak checkers and unloading. */
void vlog_shutdown(void);

#ifdef __cplusplus
}
#endif
