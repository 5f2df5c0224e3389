/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whose record is it? libvirt names the guest in some records only; what a thread logs before and after belongs to the
 * same guest, until its job ends or it names another. Monitors and domain objects, known by their addresses, belong to
 * the guest that was last named with them. Pure: fed with one record after the other.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

struct vd_whose;

/* NULL without memory. The caller frees it. */
struct vd_whose *vd_whose_new(void);
void vd_whose_free(struct vd_whose *whose);
void vd_whose_cleanup(struct vd_whose **whose);
#define VD_AUTO_WHOSE VD_CLEANUP(vd_whose_cleanup) struct vd_whose

/*
 * Only follow what belongs to @name, which may hold blanks, or to @uuid; either may be NULL. Then records also count
 * that merely quote the name or have the UUID. Borrowed.
 */
void vd_whose_want(struct vd_whose *whose, const char *name, const char *uuid);

/*
 * Take the next record of log @log (threads of different daemons are different ones). Returns the number of its guest,
 * from 0 on; -1 when it is nobody's, or nobody's as far as can be told.
 */
int vd_whose_record(struct vd_whose *whose, size_t log, const struct vd_record *record);
/* Does guest @number, and thus the record it was returned for, fit vd_whose_want()? */
bool vd_whose_wanted(const struct vd_whose *whose, int number);
/* The name of guest @number; NULL for -1. Borrowed, for as long as @whose lives. */
const char *vd_whose_name(const struct vd_whose *whose, int number);

/* The address behind "KEY=0x" in @message, for "mon=" and "vm="; 0 when there is none. @key has the '='. */
uint64_t vd_message_address(const struct vd_slice *message, const char *key);
