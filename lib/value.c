/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct vd_value {
	enum vd_value_type type;
	union {
		bool b;
		int64_t n;
		double d;
		struct {
			char *data;
			size_t len;
		} s;
		struct {
			struct vd_value **items;
			char **keys; /* objects only */
			size_t len, cap;
		} c;
	} u;
};

static struct vd_value *new_value(enum vd_value_type type)
{
	struct vd_value *v = calloc(1, sizeof(*v));

	if (v)
		v->type = type;
	return v;
}

struct vd_value *vd_value_null(void)
{
	return new_value(VD_VALUE_NULL);
}

struct vd_value *vd_value_bool(bool b)
{
	struct vd_value *v = new_value(VD_VALUE_BOOL);

	if (v)
		v->u.b = b;
	return v;
}

struct vd_value *vd_value_int(int64_t n)
{
	struct vd_value *v = new_value(VD_VALUE_INT);

	if (v)
		v->u.n = n;
	return v;
}

struct vd_value *vd_value_double(double d)
{
	struct vd_value *v = new_value(VD_VALUE_DOUBLE);

	if (v)
		v->u.d = d;
	return v;
}

struct vd_value *vd_value_strn(const char *s, size_t len)
{
	struct vd_value *v = new_value(VD_VALUE_STRING);

	if (!v)
		return NULL;
	v->u.s.data = malloc(len + 1);
	if (!v->u.s.data) {
		free(v);
		return NULL;
	}
	if (len)
		memcpy(v->u.s.data, s, len);
	v->u.s.data[len] = '\0';
	v->u.s.len = len;
	return v;
}

struct vd_value *vd_value_str(const char *s)
{
	return s ? vd_value_strn(s, strlen(s)) : vd_value_null();
}

struct vd_value *vd_value_array(void)
{
	return new_value(VD_VALUE_ARRAY);
}

struct vd_value *vd_value_object(void)
{
	return new_value(VD_VALUE_OBJECT);
}

static bool is_container(const struct vd_value *v)
{
	return v && (v->type == VD_VALUE_ARRAY || v->type == VD_VALUE_OBJECT);
}

void vd_value_free(struct vd_value *v)
{
	if (!v)
		return;
	if (v->type == VD_VALUE_STRING)
		free(v->u.s.data);
	if (is_container(v)) {
		for (size_t i = 0; i < v->u.c.len; i++) {
			vd_value_free(v->u.c.items[i]);
			if (v->u.c.keys)
				free(v->u.c.keys[i]);
		}
		free(v->u.c.items);
		free(v->u.c.keys);
	}
	free(v);
}

void vd_value_cleanup(struct vd_value **v)
{
	vd_value_free(*v);
	*v = NULL;
}

static int grow(struct vd_value *v)
{
	size_t cap = v->u.c.cap ? v->u.c.cap * 2 : 8;
	struct vd_value **items;

	if (v->u.c.len < v->u.c.cap)
		return 0;
	items = realloc(v->u.c.items, cap * sizeof(*items));
	if (!items)
		return -ENOMEM;
	v->u.c.items = items;
	if (v->type == VD_VALUE_OBJECT) {
		char **keys = realloc(v->u.c.keys, cap * sizeof(*keys));

		if (!keys)
			return -ENOMEM;
		v->u.c.keys = keys;
	}
	v->u.c.cap = cap;
	return 0;
}

int vd_value_append(struct vd_value *array, struct vd_value *item)
{
	if (!array || !item || array->type != VD_VALUE_ARRAY || grow(array) < 0) {
		vd_value_free(item);
		return array && array->type != VD_VALUE_ARRAY ? -EINVAL : -ENOMEM;
	}
	array->u.c.items[array->u.c.len++] = item;
	return 0;
}

int vd_value_set(struct vd_value *object, const char *key, struct vd_value *item)
{
	for (size_t i = 0; item && object && object->type == VD_VALUE_OBJECT && i < object->u.c.len; i++) {
		if (!strcmp(object->u.c.keys[i], key)) {
			vd_value_free(object->u.c.items[i]);
			object->u.c.items[i] = item;
			return 0;
		}
	}
	return vd_value_add(object, key, item);
}

int vd_value_add(struct vd_value *object, const char *key, struct vd_value *item)
{
	char *copy;

	if (!object || !item || object->type != VD_VALUE_OBJECT) {
		vd_value_free(item);
		return object && object->type != VD_VALUE_OBJECT ? -EINVAL : -ENOMEM;
	}
	copy = strdup(key);
	if (!copy || grow(object) < 0) {
		free(copy);
		vd_value_free(item);
		return -ENOMEM;
	}
	object->u.c.keys[object->u.c.len] = copy;
	object->u.c.items[object->u.c.len++] = item;
	return 0;
}

enum vd_value_type vd_value_type(const struct vd_value *v)
{
	return v ? v->type : VD_VALUE_NULL;
}

bool vd_value_get_bool(const struct vd_value *v)
{
	return v && v->type == VD_VALUE_BOOL && v->u.b;
}

int64_t vd_value_get_int(const struct vd_value *v)
{
	if (!v)
		return 0;
	if (v->type == VD_VALUE_DOUBLE && v->u.d >= 0x1p63)
		return INT64_MAX;
	if (v->type == VD_VALUE_DOUBLE)
		return v->u.d >= -0x1p63 ? (int64_t)v->u.d : INT64_MIN;
	return v->type == VD_VALUE_INT ? v->u.n : 0;
}

double vd_value_get_double(const struct vd_value *v)
{
	if (!v)
		return 0;
	if (v->type == VD_VALUE_INT)
		return (double)v->u.n;
	return v->type == VD_VALUE_DOUBLE ? v->u.d : 0;
}

const char *vd_value_get_str(const struct vd_value *v, size_t *ret_len)
{
	if (!v || v->type != VD_VALUE_STRING)
		return NULL;
	if (ret_len)
		*ret_len = v->u.s.len;
	return v->u.s.data;
}

size_t vd_value_count(const struct vd_value *v)
{
	return is_container(v) ? v->u.c.len : 0;
}

const struct vd_value *vd_value_item(const struct vd_value *v, size_t i)
{
	return i < vd_value_count(v) ? v->u.c.items[i] : NULL;
}

const char *vd_value_key(const struct vd_value *v, size_t i)
{
	return v && v->type == VD_VALUE_OBJECT && i < v->u.c.len ? v->u.c.keys[i] : NULL;
}

const struct vd_value *vd_value_find(const struct vd_value *v, const char *key)
{
	if (!v || v->type != VD_VALUE_OBJECT)
		return NULL;
	for (size_t i = 0; i < v->u.c.len; i++)
		if (!strcmp(v->u.c.keys[i], key))
			return v->u.c.items[i];
	return NULL;
}
