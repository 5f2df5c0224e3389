/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The logging of the libvirt that is installed, as a peer: its private symbols, looked up at run time. The layout of a
 * log source is that of libvirt 1.2.10 to 11.x: name, cached level, serial number.
 */

#include <stdbool.h>

struct libvirt_source {
	const char *name;
	unsigned priority, serial;
};

struct libvirt_log {
	void (*message)(struct libvirt_source *source, int priority, const char *file, int line, const char *function,
	                void *metadata, const char *fmt, ...) __attribute__((format(printf, 7, 8)));
	int (*set_outputs)(const char *outputs);
	int (*set_filters)(const char *filters);
	int (*set_default_priority)(int priority);
};

/* False when there is no libvirt.so.0 or it lacks a symbol. */
bool libvirt_log_open(struct libvirt_log *ret_log);
