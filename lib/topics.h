/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Ready-made filter strings by topic, compiled in from lib/data/topics.tsv, and the merging of several into one. Pure.
 */

#include <stddef.h>

#include "buf.h"
#include "catalogue.h"
#include "err.h"

/* Where a topic's string can be used. */
enum vd_topic_use {
	VD_TOPIC_ANYWHERE,
	VD_TOPIC_AT_START, /* configuration or environment of the daemon: it is about what happens before virt-admin can
	                    */
	VD_TOPIC_CLIENT,   /* environment of a client */
};

/* All strings are borrowed from the topics; those for which the table has nothing are NULL. */
struct vd_topic {
	const char *id;
	const char *aliases; /* separated by commas */
	const char *title;   /* a few words */
	const char *shows;   /* what one will see */
	const char *filters;
	const char *daemon; /* owner on a modular host, "virtqemud"; NULL: the daemon that does the work, or a client */
	enum vd_topic_use use;
	const char *volume;    /* "low", "medium", "high"; NULL not measured */
	unsigned lines, bytes; /* of the measured run; 0 not measured */
	const char *since;     /* oldest libvirt version for the string */
	const char *source;    /* who recommends it; "own": virtdiag does */
	const char *note;
};

struct vd_topics {
	struct vd_topic *items; /* owned; in the order of the table */
	size_t count;
	char *text; /* owned; what the strings point into */
};

#define VD_TOPICS_INIT        \
	{                     \
		NULL, 0, NULL \
	}
#define VD_AUTO_TOPICS VD_CLEANUP(vd_topics_release) struct vd_topics

/* Load the table into @ret_topics, which must be VD_TOPICS_INIT. Returns 0 or -ENOMEM. */
int vd_topics_load(struct vd_topics *ret_topics, struct vd_err *err) VD_MUST_CHECK;
void vd_topics_release(struct vd_topics *topics);

/* The topic with this id or alias, NULL when there is none. Borrowed. */
const struct vd_topic *vd_topics_find(const struct vd_topics *topics, const char *name);
/* The id or alias nearest to a misspelt @name; NULL when nothing is near. A malloc()ed string. */
char *vd_topics_nearest(const struct vd_topics *topics, const char *name);

/*
 * The level that log_level must have in libvirt @version beside the string of these topics; 0 when it may stay. Before
 * 4.4.0 no filter means everything, so there log_level stands for an item such as 1:*.
 */
unsigned vd_topics_log_level(const struct vd_topic *const *topics, size_t count, unsigned version);

/*
 * Merge the strings of @count topics for the version of @catalogue. Each category gets the lowest level that one of the
 * topics gives it: what one topic silences and another asks for is logged. Silencers come first wherever the
 * first-match rule allows it, no item is shadowed, items that match nothing in this version are left out and appended
 * to @left_out (may be NULL). One topic alone keeps its order. What vd_topics_log_level() stands for is left out
 * silently, and before 1.2.3 patterns are names of source files where these are known.
 * *@ret_filters is a malloc()ed string. Returns 0 or -ENOMEM.
 */
int vd_topics_merge(const struct vd_topic *const *topics, size_t count, const struct vd_catalogue *catalogue,
                    struct vd_strv *left_out, char **ret_filters, struct vd_err *err) VD_MUST_CHECK;
