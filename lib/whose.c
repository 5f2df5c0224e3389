/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "whose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "hash.h"

/* Names stand near the start; behind come dumps of any size. */
#define LOOK       600
/* More guests or threads than any host has: what a hostile log could invent is forgotten. */
#define MAX_GUESTS 20000
#define MAX_KEYS   65536u
#define SLOTS      65536u /* for names: a power of two, thrice as many */

/* A thread of a log, or an address, and whose it is. */
struct owner {
	uint64_t key; /* 0: free */
	int guest;
};

struct vd_whose {
	struct vd_strv names;
	unsigned *slots;      /* a hash table of them: their numbers from 1 on, 0 free */
	struct owner *owners; /* a hash table of MAX_KEYS * 2 */
	unsigned used;
	bool has_jobs; /* the log tells when a thread's job ends */
	const char *name, *uuid;
	int wanted; /* the number of the wanted guest; -1 not seen yet */
	int quoted; /* stands for a record that has the wanted name or UUID and is nobody's else */
};

#define THREAD_KEY(LOG, THREAD) ((uint64_t)1 << 63 | (uint64_t)(LOG) << 32 | (THREAD))

struct vd_whose *vd_whose_new(void)
{
	struct vd_whose *whose = calloc(1, sizeof(*whose));

	if (!whose)
		return NULL;
	whose->owners = calloc((size_t)MAX_KEYS * 2, sizeof(*whose->owners));
	whose->slots = calloc(SLOTS, sizeof(*whose->slots));
	whose->wanted = whose->quoted = -1;
	if (!whose->owners || !whose->slots) {
		vd_whose_free(whose);
		return NULL;
	}
	return whose;
}

void vd_whose_free(struct vd_whose *whose)
{
	if (!whose)
		return;
	vd_strv_release(&whose->names);
	free(whose->owners);
	free(whose->slots);
	free(whose);
}

void vd_whose_cleanup(struct vd_whose **whose)
{
	vd_whose_free(*whose);
}

/* --- tables --- */

static struct owner *owner_of(const struct vd_whose *whose, uint64_t key)
{
	uint64_t at = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 47;

	while (whose->owners[at % (MAX_KEYS * 2)].key && whose->owners[at % (MAX_KEYS * 2)].key != key)
		at++;
	return &whose->owners[at % (MAX_KEYS * 2)];
}

static int find_owner(const struct vd_whose *whose, uint64_t key)
{
	const struct owner *owner = key ? owner_of(whose, key) : NULL;

	return owner && owner->key ? owner->guest : -1;
}

static void set_owner(struct vd_whose *whose, uint64_t key, int guest)
{
	struct owner *owner;

	if (!key)
		return;
	if (whose->used == MAX_KEYS) {
		memset(whose->owners, 0, (size_t)MAX_KEYS * 2 * sizeof(*whose->owners));
		whose->used = 0;
	}
	owner = owner_of(whose, key);
	whose->used += !owner->key;
	*owner = (struct owner){ key, guest };
}

/* The number of the guest called so, a new one when it is new; -1 without room. */
static int guest_number(struct vd_whose *whose, const char *name, size_t len)
{
	size_t at;

	for (at = vd_hash(VD_HASH_START, name, len) % SLOTS; whose->slots[at]; at = (at + 1) % SLOTS) {
		const char *known = whose->names.items[whose->slots[at] - 1];

		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return (int)whose->slots[at] - 1;
	}
	if (!len || whose->names.len >= MAX_GUESTS || vd_strv_addn(&whose->names, name, len) < 0)
		return -1;
	whose->slots[at] = (unsigned)whose->names.len;
	return (int)whose->names.len - 1;
}

/* --- messages --- */

static struct vd_slice head_of(const struct vd_slice *message)
{
	return (struct vd_slice){ message->s, message->len < LOOK ? message->len : LOOK };
}

uint64_t vd_message_address(const struct vd_slice *message, const char *key)
{
	struct vd_slice head = head_of(message);
	size_t len = strlen(key);
	const char *s = head.s, *end = head.s + head.len;
	uint64_t n = 0;

	/* A whole word: "vm=" is not in "cpuvm=". */
	while ((s = memmem(s, (size_t)(end - s), key, len)) != NULL && s > head.s && s[-1] != ' ' && s[-1] != '(')
		s += len;
	if (!s || end - s < (ptrdiff_t)len + 3 || memcmp(s + len, "0x", 2) != 0)
		return 0;
	for (s += len + 2; s < end; s++) {
		if (*s >= '0' && *s <= '9')
			n = n << 4 | (uint64_t)(*s - '0');
		else if (*s >= 'a' && *s <= 'f')
			n = n << 4 | (uint64_t)(*s - 'a' + 10);
		else
			break;
	}
	return n & INT64_MAX;
}

/* Does "NAME" follow at @s, ended as libvirt ends it? The wanted name may hold blanks, where others end. */
static size_t name_length(const struct vd_whose *whose, const char *s, const char *end, char quote)
{
	size_t len = whose->name ? strlen(whose->name) : 0;
	const char *p = s;

	if (len && (size_t)(end - s) >= len && memcmp(s, whose->name, len) == 0 &&
	    (s + len == end || strchr(quote ? "'" : " ,)", s[len])))
		return len;
	while (p < end && (quote ? *p != quote : *p != ' ' && *p != ',' && *p != ')'))
		p++;
	return (size_t)(p - s);
}

/*
 * The guest that the message names: "vm=0x7f92f0014020 name=web01", "Domain id=4 name='web01' uuid=...",
 * "(VM: name=web01, uuid=...)". @is_named: a name can only be that of a guest.
 */
static int named_guest(struct vd_whose *whose, const struct vd_slice *message, bool is_named)
{
	struct vd_slice head = head_of(message);
	const char *end = head.s + head.len, *s = head.s;

	while ((s = memmem(s, (size_t)(end - s), "name=", 5)) != NULL) {
		const char *value = s + 5;
		char quote = value < end && *value == '\'' ? '\'' : 0;
		bool is_guest = is_named;

		is_guest |= s - head.s >= 4 && memcmp(s - 4, "VM: ", 4) == 0;
		if (quote) {
			const char *close = memchr(value + 1, quote, (size_t)(end - value - 1));

			is_guest |= close && end - close > 7 && memcmp(close + 1, " uuid=", 6) == 0;
		}
		is_guest &= s == head.s || s[-1] == ' ';
		value += quote != 0;
		if (is_guest)
			return guest_number(whose, value, name_length(whose, value, end, quote));
		s += 5;
	}
	return -1;
}

/* The wanted UUID next to a name tells the name. */
static void learn_wanted(struct vd_whose *whose, const struct vd_slice *message, int guest)
{
	struct vd_slice head = head_of(message);

	if (guest < 0 || whose->wanted >= 0)
		return;
	if (whose->name ? !strcmp(whose->names.items[guest], whose->name)
	                : memmem(head.s, head.len, whose->uuid, strlen(whose->uuid)) != NULL)
		whose->wanted = guest;
}

/* Is the wanted guest in it, in words of its own? Quoted names only: "web" is in too many words. */
static bool mentions_wanted(const struct vd_whose *whose, const struct vd_slice *message)
{
	const char *name = whose->name ? whose->name : whose->wanted >= 0 ? whose->names.items[whose->wanted] : NULL;
	struct vd_slice head = head_of(message);
	size_t len = name ? strlen(name) : 0;

	if (whose->uuid && memmem(head.s, head.len, whose->uuid, strlen(whose->uuid)))
		return true;
	for (const char *s = head.s, *end = head.s + head.len; len && (s = memmem(s, (size_t)(end - s), name, len));
	     s++)
		if (s > head.s && s + len < end && (s[-1] == '\'' || s[-1] == '"') && s[len] == s[-1])
			return true;
	return false;
}

void vd_whose_want(struct vd_whose *whose, const char *name, const char *uuid)
{
	const char *name_or_uuid = name ? name : uuid ? uuid : "";

	whose->name = name;
	whose->uuid = uuid;
	whose->quoted = guest_number(whose, name_or_uuid, strlen(name_or_uuid));
	if (name)
		whose->wanted = whose->quoted;
}

static bool is_function(const struct vd_record *record, const char *name)
{
	size_t len = strlen(name);

	return record->function.len == len && memcmp(record->function.s, name, len) == 0;
}

/* Has the thread done what it did for its guest? */
static bool ends_job(struct vd_whose *whose, const struct vd_record *record, bool *ret_before)
{
	static const char nested[] = "async nested";

	*ret_before = is_function(record, "virThreadJobSet");
	if (*ret_before || is_function(record, "virThreadJobClear"))
		return whose->has_jobs = true;
	/* Where these are not logged: the end of the job on the guest, unless it is one inside another. */
	return !whose->has_jobs &&
	       (is_function(record, "virDomainObjEndJob") || is_function(record, "qemuDomainObjEndJob")) &&
	       !memmem(record->message.s, record->message.len, nested, sizeof(nested) - 1);
}

int vd_whose_record(struct vd_whose *whose, size_t log, const struct vd_record *record)
{
	uint64_t thread = record->thread && !record->no_thread ? THREAD_KEY(log, record->thread) : 0;
	uint64_t mon = vd_message_address(&record->message, "mon=");
	uint64_t vm = vd_message_address(&record->message, "vm=");
	bool before = false, ends = ends_job(whose, record, &before);
	int guest;

	if (ends && before)
		set_owner(whose, thread, -1);
	guest = named_guest(whose, &record->message, vm || is_function(record, "virDomainLookupByName"));
	if (whose->name || whose->uuid)
		learn_wanted(whose, &record->message, guest);
	if (guest >= 0) {
		set_owner(whose, vm, guest);
		set_owner(whose, mon, guest);
	} else {
		guest = mon ? find_owner(whose, mon) : -1;
		guest = guest < 0 && vm ? find_owner(whose, vm) : guest;
	}
	if (guest < 0 && (whose->name || whose->uuid) && mentions_wanted(whose, &record->message))
		guest = whose->wanted >= 0 ? whose->wanted : whose->quoted;
	if (guest >= 0)
		set_owner(whose, thread, guest);
	else
		guest = find_owner(whose, thread);
	/* A monitor that is new belongs to whom its thread works for, whoever had the address before. */
	if (mon && is_function(record, "qemuMonitorOpenInternal"))
		set_owner(whose, mon, guest = find_owner(whose, thread));
	if (ends && !before)
		set_owner(whose, thread, -1);
	return guest;
}

bool vd_whose_wanted(const struct vd_whose *whose, int number)
{
	return number >= 0 && (number == whose->wanted || number == whose->quoted);
}

const char *vd_whose_name(const struct vd_whose *whose, int number)
{
	return number < 0 ? NULL : whose->names.items[number];
}
