/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which guest the user means. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "guests.h"
#include "vlog.h"
#include "near.h"

VLOG_CATEGORY("virtdiag.guests-find");

/* Longer names are not compared for suggestions; libvirt's are limited by the file name anyway. */

/* @spec as a UUID in the usual form; false when it is none. */
static bool spec_uuid(const char *spec, char uuid[37])
{
	unsigned digits = 0, out = 0;

	for (; *spec; spec++) {
		if (*spec == '-')
			continue;
		if (!isxdigit((unsigned char)*spec) || digits == 32)
			return false;
		if (digits == 8 || digits == 12 || digits == 16 || digits == 20)
			uuid[out++] = '-';
		uuid[out++] = (char)tolower((unsigned char)*spec);
		digits++;
	}
	uuid[out] = '\0';
	return digits == 32;
}

enum match_by {
	BY_NAME,
	BY_UUID,
	BY_ID
};

static bool spec_matches(const struct vd_guest *guest, enum match_by by, const char *spec, const char *uuid)
{
	char id[16];

	switch (by) {
	case BY_NAME:
		return !strcmp(vd_guest_name(guest), spec);
	case BY_UUID:
		return (guest->config && !strcmp(guest->config->uuid, uuid)) ||
		       (guest->status && !strcmp(guest->status->uuid, uuid));
	case BY_ID:
		if (guest->state != VD_GUEST_RUNNING || guest->status->id < 0)
			return false;
		snprintf(id, sizeof(id), "%d", guest->status->id);
		return !strcmp(id, spec);
	}
	return false;
}

/* @driver: -1 any. */
static size_t find_by(const struct vd_guests *guests, enum match_by by, int driver, const char *spec,
                      const struct vd_guest **ret_matches, size_t max)
{
	char uuid[37];
	size_t n = 0;

	if (by == BY_UUID && !spec_uuid(spec, uuid))
		return 0;
	for (size_t i = 0; i < guests->len; i++) {
		const struct vd_guest *guest = &guests->items[i];

		if (driver >= 0 && (int)vd_guest_domain(guest)->driver != driver)
			continue;
		if (!spec_matches(guest, by, spec, uuid))
			continue;
		if (n < max)
			ret_matches[n] = guest;
		n++;
	}
	return n;
}

size_t vd_guests_find(const struct vd_guests *guests, const char *spec, const struct vd_guest **ret_matches, size_t max)
{
	int driver = -1;
	size_t n;

	/* A guest may be called "lxc:c1" itself. */
	n = find_by(guests, BY_NAME, -1, spec, ret_matches, max);
	if (n)
		return n;
	for (int d = 0; d < VD_DRIVER_COUNT_; d++) {
		size_t len = strlen(vd_driver_name((enum vd_driver)d));

		if (!strncmp(spec, vd_driver_name((enum vd_driver)d), len) && spec[len] == ':') {
			driver = d;
			spec += len + 1;
			break;
		}
	}
	for (int by = BY_NAME; by <= BY_ID && !n; by++)
		n = find_by(guests, (enum match_by)by, driver, spec, ret_matches, max);
	VLOG_DEBUG("%zu guests match '%s'", n, spec);
	return n;
}

size_t vd_guests_suggest(const struct vd_guests *guests, const char *spec, const char **ret_names, size_t max)
{
	/* A third of the letters may be wrong: "wbe1" means web1, but not db1. */
	unsigned limit = (unsigned)(strlen(spec) / 3 + 1), distances[3];
	size_t n = 0;

	if (max > VD_ARRAY_SIZE(distances))
		max = VD_ARRAY_SIZE(distances);
	for (size_t i = 0; i < guests->len && max; i++) {
		const char *name = vd_guest_name(&guests->items[i]);
		unsigned d = vd_edit_distance(spec, strlen(spec), name, strlen(name), limit);
		size_t at = n;

		while (at > 0 && distances[at - 1] > d)
			at--;
		if (d > limit || at == max)
			continue;
		n = n < max ? n + 1 : max;
		for (size_t j = n - 1; j > at; j--) {
			distances[j] = distances[j - 1];
			ret_names[j] = ret_names[j - 1];
		}
		distances[at] = d;
		ret_names[at] = name;
	}
	return n;
}
