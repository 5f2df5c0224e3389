/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Attributes and small helpers. Depends on nothing, so that every file, the logging library
 * included, may use it.
 */

#include <stddef.h>

#define VD_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define VD_MUST_CHECK         __attribute__((warn_unused_result))
#define VD_NONNULL(...)       __attribute__((nonnull(__VA_ARGS__)))
#define VD_UNUSED             __attribute__((unused))
/* For what every line of every log goes through, where a call counts. */
#define VD_INLINE             static inline __attribute__((always_inline))
#define VD_CLEANUP(fn)        __attribute__((cleanup(fn)))

#define VD_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Frees a `char *` (or any malloc()ed pointer) at the end of its scope: VD_AUTO_FREE char *p = NULL; */
#define VD_AUTO_FREE  VD_CLEANUP(vd_cleanup_free)
/* Closes a file descriptor at the end of its scope unless it is negative. Keeps errno. */
#define VD_AUTO_CLOSE VD_CLEANUP(vd_cleanup_close)

void vd_cleanup_free(void *pointer_to_pointer);
void vd_cleanup_close(int *fd);

/* Hands the pointer out and sets the variable to NULL, so that its cleanup does nothing. */
#define vd_steal(p)                     \
	__extension__({                 \
		__typeof__(p) p_ = (p); \
		(p) = NULL;             \
		p_;                     \
	})

/* The same for a file descriptor. */
#define vd_steal_fd(fd)         \
	__extension__({         \
		int fd_ = (fd); \
		(fd) = -1;      \
		fd_;            \
	})
