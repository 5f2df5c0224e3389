/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A JSON-like value of our own: what a table cell holds, what a report prints, what a `json:` image string parses to.
 * lib/json.c turns it into JSON text and back; nobody else needs the JSON library.
 *
 * Constructors return NULL when there is no memory. Functions that add to a container accept a NULL @item (an
 * allocation that failed): they then return -ENOMEM. Containers own their items; an item that could not be added is
 * freed, so that `r = vd_value_set(obj, "k", vd_value_int(1))` never leaks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "macros.h"

enum vd_value_type {
	VD_VALUE_NULL,
	VD_VALUE_BOOL,
	VD_VALUE_INT,
	VD_VALUE_DOUBLE,
	VD_VALUE_STRING, /* bytes; not necessarily UTF-8, never holds NUL when parsed */
	VD_VALUE_ARRAY,
	VD_VALUE_OBJECT, /* keeps the order of insertion; keys are unique */
};

struct vd_value;

struct vd_value *vd_value_null(void);
struct vd_value *vd_value_bool(bool b);
struct vd_value *vd_value_int(int64_t n);
struct vd_value *vd_value_double(double d);
/* A copy of @s; the null value when @s is NULL. */
struct vd_value *vd_value_str(const char *s);
struct vd_value *vd_value_strn(const char *s, size_t len);
struct vd_value *vd_value_array(void);
struct vd_value *vd_value_object(void);
/* Frees @v and all it holds; NULL is harmless. */
void vd_value_free(struct vd_value *v);
void vd_value_cleanup(struct vd_value **v);
#define VD_AUTO_VALUE VD_CLEANUP(vd_value_cleanup)

/* Append @item to the array @array. */
int vd_value_append(struct vd_value *array, struct vd_value *item);
/* Set @key of the object @object, replacing what was there. */
int vd_value_set(struct vd_value *object, const char *key, struct vd_value *item);
/* The same for a @key that is certainly not there: without looking, which takes time where there are many. */
int vd_value_add(struct vd_value *object, const char *key, struct vd_value *item);

enum vd_value_type vd_value_type(const struct vd_value *v);
bool vd_value_get_bool(const struct vd_value *v);
int64_t vd_value_get_int(const struct vd_value *v);
double vd_value_get_double(const struct vd_value *v);
/* Borrowed bytes, NUL-terminated; NULL when @v is no string. @ret_len may be NULL. */
const char *vd_value_get_str(const struct vd_value *v, size_t *ret_len);
/* Number of items of an array or object, 0 for anything else. */
size_t vd_value_count(const struct vd_value *v);
/* Item @i of an array or object (borrowed), its key for an object; NULL beyond the end. */
const struct vd_value *vd_value_item(const struct vd_value *v, size_t i);
const char *vd_value_key(const struct vd_value *v, size_t i);
/* The item under @key of an object (borrowed), NULL when absent or when @v is no object. */
const struct vd_value *vd_value_find(const struct vd_value *v, const char *key);
