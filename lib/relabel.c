/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relabel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "svirt.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.relabel");

#define MAX_THREADS 1024u

const char *vd_relabel_kind_name(enum vd_relabel_kind kind)
{
	static const char *const names[VD_RELABEL_COUNT_] = { "set",         "set fd", "restore", "failed",
		                                              "unsupported", "in use", "drawn",   "socket" };

	return names[kind];
}

/* --- one message -------------------------------------------------------------------------------------------------- */

static struct vd_slice slice(const char *from, const char *to)
{
	return (struct vd_slice){ from, (size_t)(to - from) };
}

/* Behind the first @words in the text; NULL when they are not there. */
static const char *after(const char *text, const char *end, const char *words)
{
	size_t n = strlen(words);
	const char *at = end > text ? memmem(text, (size_t)(end - text), words, n) : NULL;

	return at ? at + n : NULL;
}

/* The last @words in the text; NULL. */
static const char *last(const char *text, const char *end, const char *words)
{
	const char *found = NULL, *at = text;

	while ((at = after(at, end, words)))
		found = at - strlen(words);
	return found;
}

static const char *last_char(const char *text, const char *end, char c)
{
	return end > text ? memrchr(text, c, (size_t)(end - text)) : NULL;
}

/* The number of "fd 12"; -1. */
static int read_fd(const char *at, const char *end)
{
	int fd = 0;

	if (at == end || *at < '0' || *at > '9')
		return -1;
	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		if (fd > 100000000)
			return -1;
		fd = fd * 10 + (*at - '0');
	}
	return fd;
}

/* Setting SELinux context on 'PATH' to 'LABEL', ... on fd N to 'LABEL' */
static bool parse_set(const char *at, const char *end, struct vd_relabel *r)
{
	const char *to, *quote = last_char(at, end, '\'');

	if (end - at > 3 && !memcmp(at, "fd ", 3)) {
		r->kind = VD_RELABEL_SET_FD;
		r->fd = read_fd(at + 3, end);
		to = after(at, end, " to '");
		if (r->fd < 0 || !to || !quote || quote < to)
			return false;
		r->label = slice(to, quote);
		return true;
	}
	/* A path may hold quotes, even "' to '": a label does not. */
	to = at < end && *at == '\'' && quote ? last(at, quote, "' to '") : NULL;
	if (!to || to < at + 1)
		return false;
	r->kind = VD_RELABEL_SET;
	r->path = slice(at + 1, to);
	r->label = slice(to + 6, quote);
	return true;
}

/* 'LABEL' on 'PATH', 'LABEL' on fd N; *@ret_rest is behind it. */
static bool parse_on(const char *at, const char *end, struct vd_relabel *r, const char **ret_rest)
{
	const char *on = at < end && *at == '\'' ? after(at + 1, end, "' on ") : NULL, *quote;

	if (!on)
		return false;
	r->label = slice(at + 1, on - 5);
	if (end - on > 3 && !memcmp(on, "fd ", 3)) {
		r->fd = read_fd(on + 3, end);
		*ret_rest = on + 3;
		while (*ret_rest < end && **ret_rest >= '0' && **ret_rest <= '9')
			(*ret_rest)++;
		return r->fd >= 0;
	}
	quote = last_char(on, end, '\'');
	if (on == end || *on != '\'' || !quote || quote == on)
		return false;
	r->path = slice(on + 1, quote);
	*ret_rest = quote + 1;
	return true;
}

/* Unable to set security context 'LABEL' on 'PATH': REASON, ... (errno N) */
static bool parse_failed(const char *at, const char *end, struct vd_relabel *r)
{
	const char *rest;

	r->kind = VD_RELABEL_FAILED;
	if (!parse_on(at, end, r, &rest))
		return false;
	if (end - rest > 2 && !memcmp(rest, ": ", 2))
		r->reason = slice(rest + 2, end);
	else if (end - rest > 3 && !memcmp(rest, " (", 2) && end[-1] == ')')
		r->reason = slice(rest + 2, end - 1);
	return true;
}

static bool parse_unsupported(const char *at, const char *end, struct vd_relabel *r)
{
	const char *not = last(at, end, " not supported"), *rest;

	r->kind = VD_RELABEL_UNSUPPORTED;
	if (!not || !parse_on(at, not, r, &rest))
		return false;
	r->reason = slice(not +1, end);
	return true;
}

static bool parse_restore(const char *at, const char *end, struct vd_relabel *r)
{
	const char *quote = last_char(at, end, '\'');

	if (at == end || *at != '\'' || !quote || quote == at)
		return false;
	r->kind = VD_RELABEL_RESTORE;
	r->path = slice(at + 1, quote);
	return true;
}

static bool parse_in_use(const char *at, const char *end, struct vd_relabel *r)
{
	const char *stop = last(at, end, " which is already in use");

	if (!stop || stop == at)
		return false;
	r->kind = VD_RELABEL_IN_USE;
	r->path = slice(at, stop);
	return true;
}

/* model=selinux label=L imagelabel=I baselabel=B */
static bool parse_drawn(const char *at, const char *end, struct vd_relabel *r)
{
	const char *image = after(at, end, " imagelabel="), *base = image ? after(image, end, " baselabel=") : NULL;

	if (!base)
		return false;
	r->kind = VD_RELABEL_DRAWN;
	r->process = slice(at, image - strlen(" imagelabel="));
	r->label = slice(image, base - strlen(" baselabel="));
	return true;
}

/* Setting VM NAME socket context LABEL */
static bool parse_socket(const char *at, const char *end, struct vd_relabel *r)
{
	const char *stop = last(at, end, " socket context ");

	if (!stop || stop == at)
		return false;
	r->kind = VD_RELABEL_SOCKET;
	r->guest = slice(at, stop);
	r->label = slice(stop + strlen(" socket context "), end);
	return true;
}

bool vd_relabel_parse(const char *text, size_t len, struct vd_relabel *ret_relabel)
{
	static const struct {
		const char *words;
		bool (*parse)(const char *at, const char *end, struct vd_relabel *r);
	} messages[] = {
		{ "Setting SELinux context on ", parse_set },
		{ "Restoring SELinux context on ", parse_restore },
		{ "nable to set security context ", parse_failed },
		{ "Setting security context ", parse_unsupported },
		{ "Setting different SELinux label on ", parse_in_use },
		{ "model=selinux label=", parse_drawn },
		{ "Setting VM ", parse_socket },
	};
	const char *end = text + len;

	while (end > text && strchr(" \t\r", end[-1]) && end[-1])
		end--;
	for (size_t i = 0; i < VD_ARRAY_SIZE(messages); i++) {
		const char *at = after(text, end, messages[i].words);
		struct vd_relabel r = { .fd = -1 };

		if (at && messages[i].parse(at, end, &r)) {
			*ret_relabel = r;
			return true;
		}
	}
	return false;
}

/* --- a whole log -------------------------------------------------------------------------------------------------- */

static void event_release(struct vd_relabel_event *e)
{
	free(e->path);
	free(e->label);
	free(e->process);
	free(e->reason);
	free(e->guest);
}

void vd_trace_release(struct vd_trace *trace)
{
	for (size_t i = 0; i < trace->len; i++)
		event_release(&trace->events[i]);
	for (size_t i = 0; i < trace->n_threads; i++)
		free(trace->threads[i].guest);
	free(trace->events);
	free(trace->threads);
	*trace = (struct vd_trace){ 0 };
}

static const char *guest_of_thread(const struct vd_trace *t, uint32_t thread)
{
	for (size_t i = t->n_threads; i > 0; i--)
		if (t->threads[i - 1].thread == thread)
			return t->threads[i - 1].guest;
	return NULL;
}

/* Of more threads than a daemon has at a time the oldest is forgotten. */
static int set_thread(struct vd_trace *t, uint32_t thread, const char *guest, size_t len)
{
	char *copy = strndup(guest, len);
	size_t i = 0;

	if (!copy)
		return -ENOMEM;
	while (i < t->n_threads && t->threads[i].thread != thread)
		i++;
	if (i == t->n_threads && i == MAX_THREADS) {
		free(t->threads[0].guest);
		memmove(t->threads, t->threads + 1, (MAX_THREADS - 1) * sizeof(*t->threads));
		t->threads[--i].guest = NULL;
	} else if (i == t->n_threads) {
		if (t->n_threads == t->cap_threads) {
			size_t want = t->cap_threads ? t->cap_threads * 2 : 16;
			struct vd_trace_thread *grown = reallocarray(t->threads, want, sizeof(*grown));

			if (!grown) {
				free(copy);
				return -ENOMEM;
			}
			t->threads = grown;
			t->cap_threads = want;
		}
		t->threads[t->n_threads++].guest = NULL;
	}
	free(t->threads[i].guest);
	t->threads[i] = (struct vd_trace_thread){ thread, copy };
	return 0;
}

/*
 * The guest that a message speaks of: "vm=0x7f0 name=web id=-1 ...", "Restoring security label on web migrated=0".
 * A name may hold blanks: it ends where the next of libvirt's words begins.
 */
static bool find_guest(const char *text, const char *end, struct vd_slice *ret_guest)
{
	static const struct {
		const char *before, *behind;
	} forms[] = {
		{ " name=", " id=" },
		{ " name=", " if=" },
		{ "Restoring security label on ", " migrated=" },
		{ ": Setting VM ", " socket context " },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(forms); i++) {
		const char *at = after(text, end, forms[i].before), *stop = at ? after(at, end, forms[i].behind) : NULL;

		if (!stop || stop - strlen(forms[i].behind) == at || (i < 2 && !after(text, at, "vm=")))
			continue;
		*ret_guest = slice(at, stop - strlen(forms[i].behind));
		return true;
	}
	return false;
}

static int copy(struct vd_slice s, char **slot)
{
	if (!s.s || !s.len)
		return 0;
	*slot = strndup(s.s, s.len);
	return *slot ? 0 : -ENOMEM;
}

/*
 * Restoring a label is told by two messages of the thread: that it is restored, and with which label. Is @r the second
 * one? Then it belongs to that event.
 */
static struct vd_relabel_event *restoring(struct vd_trace *t, const struct vd_relabel *r)
{
	for (size_t i = t->len; r->kind == VD_RELABEL_SET && t->thread && i > 0 && i + 64 > t->len; i--) {
		struct vd_relabel_event *e = &t->events[i - 1];

		if (e->thread != t->thread)
			continue;
		return e->kind == VD_RELABEL_RESTORE && !e->label && e->path && strlen(e->path) == r->path.len &&
		                       !memcmp(e->path, r->path.s, r->path.len)
		               ? e
		               : NULL;
	}
	return NULL;
}

static int add_event(struct vd_trace *t, const struct vd_relabel *r)
{
	struct vd_relabel_event e = { r->kind, t->time, t->thread, r->fd, NULL, NULL, NULL, NULL, NULL, t->lines };
	const char *guest = guest_of_thread(t, t->thread);
	struct vd_relabel_event *restore = restoring(t, r);

	if (restore)
		return copy(r->label, &restore->label);
	if (t->len == VD_TRACE_MAX) {
		size_t half = VD_TRACE_MAX / 2;

		for (size_t i = 0; i < half; i++)
			event_release(&t->events[i]);
		memmove(t->events, t->events + half, (t->len - half) * sizeof(*t->events));
		t->len -= half;
		t->dropped += half;
	}
	if (t->len == t->cap) {
		size_t want = t->cap ? t->cap * 2 : 64;
		struct vd_relabel_event *grown = reallocarray(t->events, want, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		t->events = grown;
		t->cap = want;
	}
	if (copy(r->path, &e.path) < 0 || copy(r->label, &e.label) < 0 || copy(r->process, &e.process) < 0 ||
	    copy(r->reason, &e.reason) < 0 || copy(r->guest, &e.guest) < 0 ||
	    (!e.guest && guest && t->thread && !(e.guest = strdup(guest)))) {
		event_release(&e);
		return -ENOMEM;
	}
	t->events[t->len++] = e;
	return 0;
}

/* Most lines of a debug log are about something else. */
static bool may_matter(const char *text, size_t len)
{
	return memmem(text, len, "SELinux", 7) || memmem(text, len, "security", 8) || memmem(text, len, " name=", 6) ||
	       memmem(text, len, "model=selinux", 13);
}

int vd_trace_line(struct vd_trace *trace, const char *text, size_t len)
{
	struct vd_record record;
	struct vd_relabel relabel;
	struct vd_slice guest;

	trace->lines++;
	if (!trace->clock.second && trace->lines == 1) {
		trace->time = VD_NO_TIME;
		trace->thread = 0;
	}
	if (!may_matter(text, len))
		return 0;
	if (vd_record_parse(text, len, VD_RECORD_PASTED, &record)) {
		trace->time = vd_record_time(&trace->clock, &record);
		trace->thread = record.thread;
	} else {
		/* A piece without its head tells no time and no thread. */
		trace->time = VD_NO_TIME;
		trace->thread = 0;
	}
	if (trace->thread && find_guest(text, text + len, &guest) &&
	    set_thread(trace, trace->thread, guest.s, guest.len) < 0)
		return -ENOMEM;
	return vd_relabel_parse(text, len, &relabel) ? add_event(trace, &relabel) : 0;
}

/* --- whose -------------------------------------------------------------------------------------------------------- */

/* The categories of a label, when it has any. */
static bool categories_of(const char *label, struct vd_catset *ret_set)
{
	struct vd_context c;
	char sens[16];
	bool has;

	if (!label || vd_context_parse(label, &c) < 0)
		return false;
	has = c.range && vd_range_parse(c.range, sens, ret_set) == 0 && !vd_catset_empty(ret_set);
	vd_context_release(&c);
	return has;
}

int vd_trace_know(struct vd_trace *trace, const char *label, const char *guest)
{
	struct vd_slice l = { label, strlen(label) }, none = { NULL, 0 };
	struct vd_relabel r = { VD_RELABEL_DRAWN, -1, none, l, none, none, none };
	uint32_t thread = trace->thread;
	int r2;

	/* Kept like a line of the log, with number 0. */
	trace->thread = 0;
	r2 = add_event(trace, &r);
	trace->thread = thread;
	if (r2 < 0)
		return r2;
	trace->events[trace->len - 1].number = 0;
	trace->events[trace->len - 1].time = VD_NO_TIME;
	trace->events[trace->len - 1].guest = strdup(guest);
	return trace->events[trace->len - 1].guest ? 0 : -ENOMEM;
}

/* A pair that was drawn: the label's categories as a number to sort by, and whose they are. */
struct drawn {
	uint64_t hash;
	size_t at;
};

static uint64_t hash_of(const struct vd_catset *set)
{
	return vd_hash(VD_HASH_START, set->bits, sizeof(set->bits));
}

static int by_hash(const void *a, const void *b)
{
	const struct drawn *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static struct drawn *collect_drawn(const struct vd_trace *t, size_t *ret_len)
{
	struct drawn *list = calloc(t->len + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; list && i < t->len; i++) {
		struct vd_catset set;

		if ((t->events[i].kind == VD_RELABEL_DRAWN || t->events[i].kind == VD_RELABEL_SOCKET) &&
		    t->events[i].guest && categories_of(t->events[i].label, &set))
			list[n++] = (struct drawn){ hash_of(&set), i };
	}
	if (list)
		qsort(list, n, sizeof(*list), by_hash);
	*ret_len = n;
	return list;
}

/*
 * The guest that drew these categories: a pair may be drawn again for another guest later, so the last one before @at
 * counts, else the first behind it. NULL: none in the log.
 */
static const char *drawn_for(const struct vd_trace *t, const struct drawn *list, size_t n, const struct vd_catset *set,
                             size_t at)
{
	uint64_t hash = hash_of(set);
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (list[mid].hash < hash || (list[mid].hash == hash && list[mid].at < at))
			low = mid + 1;
		else
			high = mid;
	}
	if (low > 0 && list[low - 1].hash == hash)
		return t->events[list[low - 1].at].guest;
	return low < n && list[low].hash == hash ? t->events[list[low].at].guest : NULL;
}

static int give(struct vd_relabel_event *e, const char *guest)
{
	e->guest = strdup(guest);
	return e->guest ? 0 : -ENOMEM;
}

/* The nearest event of the same thread that has a guest, not farther than a transaction of labels reaches. */
static const char *neighbour(const struct vd_trace *t, size_t at)
{
	const struct vd_relabel_event *e = &t->events[at];

	for (size_t d = 1; d < 256; d++)
		for (int side = 0; side < 2; side++) {
			size_t i = side ? at + d : at - d;

			if ((!side && d > at) || i >= t->len || t->events[i].thread != e->thread || !t->events[i].guest)
				continue;
			return t->events[i].guest;
		}
	return NULL;
}

int vd_trace_finish(struct vd_trace *trace)
{
	size_t n = 0;
	VD_AUTO_FREE struct drawn *list = collect_drawn(trace, &n);

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < trace->len; i++) {
		struct vd_relabel_event *e = &trace->events[i];
		struct vd_catset set;
		const char *guest;

		if (e->guest || !categories_of(e->label, &set))
			continue;
		guest = drawn_for(trace, list, n, &set, i);
		if (guest && give(e, guest) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < trace->len; i++) {
		struct vd_relabel_event *e = &trace->events[i];
		const char *guest = !e->guest && e->thread ? neighbour(trace, i) : NULL;

		if (guest && give(e, guest) < 0)
			return -ENOMEM;
	}
	VLOG_DEBUG("%zu events in %llu lines", trace->len, (unsigned long long)trace->lines);
	return 0;
}
