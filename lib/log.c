/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log-internal.h"

unsigned vlog_serial = 1;

struct filters {
	size_t count;
	char *text; /* the string; the patterns point into it */
	struct {
		struct vlog_span pattern;
		unsigned level;
	} item[];
};

/* Takes all that the filters let through, as the client programs of libvirt do. */
static struct vlog_output default_output = {
	.dest = VLOG_DEST_STDERR,
	.level = VLOG_LEVEL_DEBUG,
	.fd = STDERR_FILENO,
};
static struct vlog_outputs default_outputs = {
	.readers = 2, /* in force, and one more, for it is never freed */
	.count = 1,
	.item = &default_output,
	.lowest = VLOG_LEVEL_DEBUG,
};

/*
 * All that can be set. The lock is held to look at it or to exchange a part, for some ten nanoseconds, and never while
 * something is opened, written or freed: what is being written to stays alive by a slot or by its count of readers.
 * Messages of fresh categories do not take it at all.
 */
static struct {
	pthread_mutex_t lock;
	struct filters *filters;      /* NULL: none */
	struct vlog_outputs *outputs; /* never NULL */
	unsigned default_level;
	struct vlog_outputs *retired; /* no longer in force, but somebody may still be writing to them */
	vlog_handler_fn handler;
	void *handler_data;
	char banner[256];
} state = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.outputs = &default_outputs,
	.default_level = VLOG_LEVEL_WARN,
};
/* Whether state.banner holds something, to be asked without the lock. */
static unsigned have_banner;

/* This thread is inside the handler: what it logs must not go there again. */
static __thread bool in_handler;

/* --- locking ------------------------------------------------------------------------------------------------------ */

static void before_fork(void)
{
	pthread_mutex_lock(&state.lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&state.lock);
}

/* Readers that were other threads do not exist here and will never give their outputs back: these stay allocated. */
static void after_fork_in_child(void)
{
	vlog_forget_thread_id();
	pthread_mutex_unlock(&state.lock);
}

static void watch_forks(void)
{
	int saved = errno;

	/* Without memory for it only a child that forks at the wrong moment suffers. */
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
	errno = saved;
}

static void lock_state(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
	pthread_mutex_lock(&state.lock);
}

static void unlock_state(void)
{
	pthread_mutex_unlock(&state.lock);
}

/* With the lock held, after something that decides about levels has changed. 0 is what new categories have. */
static void make_categories_stale(void)
{
	unsigned next = vlog_serial + 1;

	__atomic_store_n(&vlog_serial, next ? next : 1, __ATOMIC_RELAXED);
}

/* --- readers without the lock --------------------------------------------------------------------------------------
 */

/*
 * Threads that write at the same time must not queue for the lock. So a writer publishes the outputs that it uses in a
 * slot of its own cache line (a hazard pointer), and outputs that are no longer in force are freed only when no slot
 * shows them. More threads than slots: the rest counts itself under the lock.
 */
#define SLOTS 32

static struct slot {
	struct vlog_outputs *held; /* NULL: the slot is free */
} __attribute__((aligned(64))) slots[SLOTS];

/* Where this thread looks first: threads keep to their slots as long as there are enough. */
static __thread unsigned slot_hint;
static unsigned next_hint;

/* A slot that shows the outputs in force, or NULL when all are busy. */
static struct slot *hold_outputs(void)
{
	struct slot *slot = NULL;
	struct vlog_outputs *outputs = __atomic_load_n(&state.outputs, __ATOMIC_ACQUIRE);

	if (!slot_hint)
		slot_hint = 1 + __atomic_fetch_add(&next_hint, 1, __ATOMIC_RELAXED) % SLOTS;
	for (unsigned i = 0; i < SLOTS && !slot; i++) {
		struct slot *s = &slots[(slot_hint - 1 + i) % SLOTS];
		struct vlog_outputs *none = NULL;

		/* The slot is taken and shows the outputs in one step. */
		if (!__atomic_load_n(&s->held, __ATOMIC_RELAXED) &&
		    __atomic_compare_exchange_n(&s->held, &none, outputs, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			slot = s;
	}
	if (!slot)
		return NULL;
	/* Looked at again after they are shown: who retires them from now on sees the slot. */
	for (;;) {
		struct vlog_outputs *again = __atomic_load_n(&state.outputs, __ATOMIC_SEQ_CST);

		if (again == outputs)
			return slot;
		outputs = again;
		__atomic_store_n(&slot->held, outputs, __ATOMIC_SEQ_CST);
	}
}

static bool is_held(const struct vlog_outputs *outputs)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (__atomic_load_n(&slots[i].held, __ATOMIC_SEQ_CST) == outputs)
			return true;
	return false;
}

/* Free what is retired and not in use any more; what is, its last user frees. */
static void free_unused(void)
{
	struct vlog_outputs *unused = NULL, **link;

	lock_state();
	for (link = &state.retired; *link;) {
		struct vlog_outputs *outputs = *link;

		if (outputs->readers || is_held(outputs)) {
			link = &outputs->next_retired;
		} else {
			__atomic_store_n(link, outputs->next_retired, __ATOMIC_SEQ_CST);
			outputs->next_retired = unused;
			unused = outputs;
		}
	}
	unlock_state();
	while (unused) {
		struct vlog_outputs *outputs = unused;

		unused = outputs->next_retired;
		vlog_outputs_free(outputs);
	}
}

static void release_slot(struct slot *slot)
{
	__atomic_store_n(&slot->held, NULL, __ATOMIC_SEQ_CST);
	/* Who retired them meanwhile may have seen the slot and left them to us. */
	if (__atomic_load_n(&state.retired, __ATOMIC_SEQ_CST))
		free_unused();
}

static void put_outputs(struct vlog_outputs *outputs)
{
	lock_state();
	outputs->readers--;
	unlock_state();
	if (__atomic_load_n(&state.retired, __ATOMIC_SEQ_CST))
		free_unused();
}

/* --- categories --------------------------------------------------------------------------------------------------- */

/* With the lock held: the lowest level of @name that anyone wants. */
static unsigned resolve(const char *name)
{
	const struct filters *filters = state.filters;
	unsigned level = state.default_level;

	for (size_t i = 0; filters && i < filters->count; i++) {
		struct vlog_span pattern = filters->item[i].pattern;

		if (vlog_pattern_matches(filters->text + pattern.offset, pattern.length, name)) {
			level = filters->item[i].level;
			break;
		}
	}
	return state.handler || level > state.outputs->lowest ? level : state.outputs->lowest;
}

/*
 * With the lock held. Level first: who sees the new serial must not see the old level. Both are written with the lock
 * held only; if not, a thread delayed here could leave an old level with a new serial behind for good.
 */
static void refresh(struct vlog_category *category)
{
	if (category->serial == vlog_serial)
		return;
	__atomic_store_n(&category->level, resolve(category->name ? category->name : ""), __ATOMIC_RELAXED);
	__atomic_store_n(&category->serial, vlog_serial, __ATOMIC_RELEASE);
}

bool vlog_enabled(struct vlog_category *category, unsigned level)
{
	if (__atomic_load_n(&category->serial, __ATOMIC_ACQUIRE) != __atomic_load_n(&vlog_serial, __ATOMIC_RELAXED)) {
		lock_state();
		refresh(category);
		unlock_state();
	}
	return level >= __atomic_load_n(&category->level, __ATOMIC_RELAXED);
}

/* What a message needs to be written. */
struct target {
	struct slot *slot; /* shows the outputs; NULL: a reader is counted */
	struct vlog_outputs *outputs;
	vlog_handler_fn handler;
	void *data;
};

/* The usual case, without the lock: the category is fresh and there is no handler. */
static bool take_target_fast(struct vlog_category *category, unsigned level, struct target *ret_target)
{
	struct slot *slot;

	if (__atomic_load_n(&category->serial, __ATOMIC_ACQUIRE) != __atomic_load_n(&vlog_serial, __ATOMIC_RELAXED) ||
	    level < __atomic_load_n(&category->level, __ATOMIC_RELAXED) ||
	    __atomic_load_n(&state.handler, __ATOMIC_ACQUIRE))
		return false;
	slot = hold_outputs();
	if (!slot)
		return false;
	*ret_target = (struct target){ slot, slot->held, NULL, NULL };
	return true;
}

/* False when the message is not wanted; else @ret_target is to be given back with put_target(). */
static bool take_target(struct vlog_category *category, unsigned level, struct target *ret_target)
{
	bool wanted;

	if (take_target_fast(category, level, ret_target))
		return true;
	lock_state();
	refresh(category);
	wanted = level >= category->level;
	if (wanted) {
		state.outputs->readers++;
		*ret_target =
		        (struct target){ NULL, state.outputs, in_handler ? NULL : state.handler, state.handler_data };
	}
	unlock_state();
	return wanted;
}

static void put_target(const struct target *target)
{
	if (target->slot)
		release_slot(target->slot);
	else
		put_outputs(target->outputs);
}

/* --- writing -------------------------------------------------------------------------------------------------------
 */

static void call_handler(const struct target *target, const struct vlog_record *record)
{
	in_handler = true;
	target->handler(record, target->data);
	in_handler = false;
}

void vlog_vwrite(struct vlog_category *category, unsigned level, const char *file, int number, const char *function,
                 const char *fmt, va_list ap)
{
	struct vlog_record record = {
		.category = category->name,
		.file = file,
		.function = function,
		.level = level < VLOG_LEVEL_DEBUG   ? VLOG_LEVEL_DEBUG
		         : level > VLOG_LEVEL_ERROR ? VLOG_LEVEL_ERROR
		                                    : level,
		.line = number,
	};
	struct target target;
	struct timespec now;
	int saved = errno, cancel;

	/* A thread that was cancelled while it writes would never give the outputs back. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (take_target(category, record.level, &target)) {
		VLOG_AUTO_LINE line;

		clock_gettime(CLOCK_REALTIME, &now);
		vlog_line_start(&line, &now, record.level, function, number);
		errno = saved; /* for %m */
		vlog_line_format(&line, fmt, ap);
		record.message = line.raw + line.text;
		record.length = line.length - line.text;
		if (target.handler)
			call_handler(&target, &record);
		else
			vlog_outputs_write(target.outputs, &line, &record);
		put_target(&target);
	}
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

void vlog_write(struct vlog_category *category, unsigned level, const char *file, int line, const char *function,
                const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog_vwrite(category, level, file, line, function, fmt, ap);
	va_end(ap);
}

/* --- settings ------------------------------------------------------------------------------------------------------
 */

static int parse_filters(const char *s, struct vlog_error *error, struct filters **ret_filters)
{
	struct filters *filters;
	struct vlog_item item;
	size_t pos = 0, count = 0, length = strlen(s);

	for (; vlog_filter_next(s, length, &pos, &item); count++)
		if (item.error)
			return vlog_fail_item(error, s, &item);
	filters = malloc(sizeof(*filters) + count * sizeof(filters->item[0]) + length + 1);
	if (!filters)
		return vlog_fail(error, -ENOMEM, (struct vlog_span){ 0, 0 }, "out of memory");
	filters->count = 0;
	filters->text = (char *)&filters->item[count];
	memcpy(filters->text, s, length + 1);
	for (pos = 0; vlog_filter_next(s, length, &pos, &item); filters->count++) {
		filters->item[filters->count].pattern = item.match;
		filters->item[filters->count].level = item.level;
	}
	*ret_filters = filters;
	return 0;
}

static void swap_filters(struct filters *filters)
{
	struct filters *old;

	lock_state();
	old = state.filters;
	state.filters = filters;
	make_categories_stale();
	unlock_state();
	free(old);
}

static void swap_outputs(struct vlog_outputs *outputs)
{
	struct vlog_outputs *old;

	if (!outputs) {
		outputs = &default_outputs;
		__atomic_store_n(&default_output.banner, 0, __ATOMIC_RELAXED);
	}
	lock_state();
	/* New ones come with their first reader. */
	if (outputs == &default_outputs)
		outputs->readers++;
	old = state.outputs;
	__atomic_store_n(&state.outputs, outputs, __ATOMIC_SEQ_CST);
	old->readers--;
	if (old != &default_outputs) {
		old->next_retired = state.retired;
		__atomic_store_n(&state.retired, old, __ATOMIC_SEQ_CST);
	}
	make_categories_stale();
	unlock_state();
	free_unused();
}

int vlog_set_filters(const char *filters, struct vlog_error *error)
{
	struct filters *parsed = NULL;
	int saved = errno, status;

	status = parse_filters(filters ? filters : "", error, &parsed);
	if (!status)
		swap_filters(parsed);
	errno = saved;
	return status;
}

int vlog_set_outputs(const char *outputs, struct vlog_error *error)
{
	struct vlog_outputs *opened = NULL;
	int saved = errno, status;

	status = vlog_outputs_new(outputs ? outputs : "", error, &opened);
	if (!status)
		swap_outputs(opened);
	errno = saved;
	return status;
}

int vlog_set_default_level(unsigned level)
{
	if (level < VLOG_LEVEL_DEBUG || level > VLOG_LEVEL_ERROR)
		return -EINVAL;
	lock_state();
	state.default_level = level;
	make_categories_stale();
	unlock_state();
	return 0;
}

void vlog_set_handler(vlog_handler_fn handler, void *data)
{
	lock_state();
	__atomic_store_n(&state.handler, handler, __ATOMIC_RELEASE);
	state.handler_data = data;
	make_categories_stale();
	unlock_state();
}

void vlog_set_banner(const char *text)
{
	size_t length = text ? strnlen(text, sizeof(state.banner) - 1) : 0;

	lock_state();
	if (length)
		memcpy(state.banner, text, length);
	state.banner[length] = 0;
	__atomic_store_n(&have_banner, length ? 1 : 0, __ATOMIC_RELAXED);
	unlock_state();
}

size_t vlog_copy_banner(char *to, size_t size)
{
	size_t length;

	if (!__atomic_load_n(&have_banner, __ATOMIC_RELAXED))
		return 0;
	lock_state();
	length = strnlen(state.banner, size - 1);
	memcpy(to, state.banner, length);
	unlock_state();
	to[length] = 0;
	return length;
}

int vlog_reopen(void)
{
	struct vlog_outputs *outputs;
	int saved = errno, status;

	lock_state();
	outputs = state.outputs;
	outputs->readers++;
	unlock_state();
	status = vlog_outputs_reopen(outputs);
	put_outputs(outputs);
	errno = saved;
	return status;
}

void vlog_shutdown(void)
{
	int saved = errno;

	vlog_set_handler(NULL, NULL);
	vlog_set_banner(NULL);
	vlog_set_default_level(VLOG_LEVEL_WARN);
	swap_filters(NULL);
	swap_outputs(NULL);
	errno = saved;
}

/* --- environment ---------------------------------------------------------------------------------------------------
 */

/* Exactly what LIBVIRT_DEBUG takes. */
static int set_level_by_word(const char *word, struct vlog_error *error)
{
	struct vlog_span all = { 0, strlen(word) };
	char shown[64];

	for (unsigned level = VLOG_LEVEL_DEBUG; level <= VLOG_LEVEL_ERROR; level++) {
		const char number[] = { (char)('0' + level), 0 };

		if (!strcmp(word, number) || !strcmp(word, vlog_level_name(level)))
			return vlog_set_default_level(level);
	}
	vlog_escape(word, strlen(word), shown, sizeof(shown));
	return vlog_fail(error, -EINVAL, all, "'%s' is none of 1 to 4, debug, info, warning, error", shown);
}

int vlog_init_from_env(const char *prefix, struct vlog_error *error)
{
	static const struct {
		const char *suffix;
		int (*set)(const char *value, struct vlog_error *error);
	} variables[] = {
		{ "LOG_FILTERS", vlog_set_filters },
		{ "LOG_OUTPUTS", vlog_set_outputs },
		{ "DEBUG", set_level_by_word },
	};
	int saved = errno, status = 0;

	for (size_t i = 0; i < VD_ARRAY_SIZE(variables) && !status; i++) {
		struct vlog_error why = { 0 };
		char name[128];
		const char *value;

		if ((size_t)snprintf(name, sizeof(name), "%s_%s", prefix, variables[i].suffix) >= sizeof(name))
			return vlog_fail(error, -EINVAL, (struct vlog_span){ 0, 0 }, "the prefix is too long");
		/* A program that runs with more rights than its caller must not write where the caller says. */
		value = secure_getenv(name);
		if (!value || !*value)
			continue;
		status = variables[i].set(value, &why);
		if (status)
			vlog_fail(error, status, (struct vlog_span){ why.offset, why.length }, "%s: %s", name,
			          why.message);
	}
	errno = saved;
	return status;
}
