/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include <json-c/json.h>

#define MAX_DEPTH 32

static void put_object(struct json_object **o)
{
	json_object_put(*o);
}

static void free_tokener(struct json_tokener **t)
{
	if (*t)
		json_tokener_free(*t);
}

static struct vd_value *import(struct json_object *o)
{
	struct vd_value *v;
	const char *s;
	size_t len;

	switch (json_object_get_type(o)) {
	case json_type_boolean:
		return vd_value_bool(json_object_get_boolean(o));
	case json_type_int:
		return vd_value_int(json_object_get_int64(o));
	case json_type_double:
		return vd_value_double(json_object_get_double(o));
	case json_type_string:
		s = json_object_get_string(o);
		len = (size_t)json_object_get_string_len(o);
		return vd_value_strn(s, len);
	case json_type_array:
		v = vd_value_array();
		len = json_object_array_length(o);
		for (size_t i = 0; v && i < len; i++) {
			if (vd_value_append(v, import(json_object_array_get_idx(o, i))) < 0) {
				vd_value_free(v);
				return NULL;
			}
		}
		return v;
	case json_type_object:
		v = vd_value_object();
		json_object_object_foreach (o, key, item) {
			/* json-c has each key once. */
			if (!v || vd_value_add(v, key, import(item)) < 0) {
				vd_value_free(v);
				return NULL;
			}
		}
		return v;
	case json_type_null:
	default:
		return vd_value_null();
	}
}

/* Does a string, or a key, which json-c would cut there, hold an escaped NUL? */
static bool holds_nul(const char *text, size_t len)
{
	for (size_t i = 0; i + 6 <= len; i++) {
		if (text[i] != '\\')
			continue;
		if (!memcmp(text + i, "\\u0000", 6))
			return true;
		i++; /* what is escaped is not looked at, another backslash above all */
	}
	return false;
}

int vd_json_parse(const char *text, size_t len, struct vd_value **ret_value, struct vd_err *err)
{
	VD_CLEANUP(free_tokener) struct json_tokener *tok = json_tokener_new_ex(MAX_DEPTH);
	VD_CLEANUP(put_object) struct json_object *o = NULL;
	enum json_tokener_error e;
	struct vd_value *v;
	size_t end;

	if (!tok)
		return vd_err_set(err, ENOMEM, "out of memory while parsing JSON");
	if (!len || len > INT_MAX)
		return vd_err_set(err, EINVAL, "bad JSON: %s", len ? "too long" : "empty");
	/* json-c's own check lets overlong forms and surrogates pass. */
	if (!vd_utf8_valid(text, len))
		return vd_err_set(err, EINVAL, "bad JSON: the text is not UTF-8");
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(tok, text, (int)len);
	e = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	if (e == json_tokener_continue) {
		/* A bare number ends only with the text: json-c wants to see a byte behind it. */
		o = json_tokener_parse_ex(tok, "", 1);
		e = json_tokener_get_error(tok);
		end = len;
		if (e != json_tokener_success)
			return vd_err_set(err, EINVAL, "bad JSON: the text ends inside a value");
	}
	if (e != json_tokener_success)
		return vd_err_set(err, EINVAL, "bad JSON at byte %zu: %s", end, json_tokener_error_desc(e));
	while (end < len && strchr(" \t\r\n", text[end]) && text[end])
		end++;
	if (end < len)
		return vd_err_set(err, EINVAL, "bad JSON: unexpected text at byte %zu", end);
	if (holds_nul(text, len))
		return vd_err_set(err, EINVAL, "bad JSON: a string holds a NUL character");
	v = import(o);
	if (!v)
		return vd_err_set(err, ENOMEM, "out of memory while parsing JSON");
	*ret_value = v;
	return 0;
}

static int add_base64(struct vd_buf *buf, const char *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)data;
	int r = vd_buf_reserve(buf, (len + 2) / 3 * 4);

	for (size_t i = 0; i < len && !r; i += 3) {
		unsigned n = (unsigned)p[i] << 16 | (i + 1 < len ? (unsigned)p[i + 1] << 8 : 0) |
		             (i + 2 < len ? p[i + 2] : 0);
		char out[4] = { digits[n >> 18], digits[n >> 12 & 63], i + 1 < len ? digits[n >> 6 & 63] : '=',
			        i + 2 < len ? digits[n & 63] : '=' };

		r = vd_buf_add(buf, out, sizeof(out));
	}
	return r;
}

static struct json_object *export_string(const char *s, size_t len)
{
	VD_AUTO_BUF clean = VD_BUF_INIT;

	for (size_t i = 0, n; i < len; i += n) {
		n = vd_utf8_next(s + i, len - i, NULL);
		if ((n ? vd_buf_add(&clean, s + i, n) : vd_buf_adds(&clean, "\xef\xbf\xbd")) < 0)
			return NULL;
		if (!n)
			n = 1;
	}
	return json_object_new_string_len(vd_buf_str(&clean), (int)clean.len);
}

static int export(const struct vd_value *v, struct json_object **ret);

static int export_member(struct json_object *o, const char *key, const struct vd_value *item)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct json_object *child = NULL;
	size_t len = 0;
	const char *s = vd_value_get_str(item, &len);
	int r = export(item, &child);

	if (r < 0)
		return r;
	if (json_object_object_add(o, key, child) < 0) {
		json_object_put(child);
		return -ENOMEM;
	}
	if (!s || vd_utf8_valid(s, len))
		return 0;
	r = add_base64(&text, s, len);
	child = r < 0 ? NULL : json_object_new_string_len(vd_buf_str(&text), (int)text.len);
	vd_buf_clear(&text);
	if (!child || vd_buf_addf(&text, "%s_bytes", key) < 0 ||
	    json_object_object_add(o, vd_buf_str(&text), child) < 0) {
		json_object_put(child);
		return -ENOMEM;
	}
	return 0;
}

static int export(const struct vd_value *v, struct json_object **ret)
{
	struct json_object *o = NULL;
	const char *s;
	size_t len;
	int r = 0;

	switch (vd_value_type(v)) {
	case VD_VALUE_NULL:
		*ret = NULL; /* json-c's null */
		return 0;
	case VD_VALUE_BOOL:
		o = json_object_new_boolean(vd_value_get_bool(v));
		break;
	case VD_VALUE_INT:
		o = json_object_new_int64(vd_value_get_int(v));
		break;
	case VD_VALUE_DOUBLE:
		if (!isfinite(vd_value_get_double(v))) {
			*ret = NULL;
			return 0;
		}
		o = json_object_new_double(vd_value_get_double(v));
		if (o)
			json_object_set_serializer(o, json_object_double_to_json_string, (void *)"%.15g", NULL);
		break;
	case VD_VALUE_STRING:
		s = vd_value_get_str(v, &len);
		o = export_string(s, len);
		break;
	case VD_VALUE_ARRAY:
		o = json_object_new_array();
		for (size_t i = 0; o && !r && i < vd_value_count(v); i++) {
			struct json_object *item = NULL;

			r = export(vd_value_item(v, i), &item);
			if (!r && json_object_array_add(o, item) < 0) {
				json_object_put(item);
				r = -ENOMEM;
			}
		}
		break;
	case VD_VALUE_OBJECT:
		o = json_object_new_object();
		for (size_t i = 0; o && !r && i < vd_value_count(v); i++)
			r = export_member(o, vd_value_key(v, i), vd_value_item(v, i));
		break;
	}
	if (!o || r < 0) {
		json_object_put(o);
		return -ENOMEM;
	}
	*ret = o;
	return 0;
}

/* json-c writes what is above 0x7e as it is. Outside of strings there is nothing of the kind. */
static int add_seen(struct vd_buf *buf, const char *text, size_t len)
{
	size_t from = 0;
	int r = 0;

	for (size_t i = 0, n; i < len && !r; i += n) {
		unsigned c = 0;

		n = 1;
		if (text[i] >= 0 && text[i] < 0x7f)
			continue;
		n = vd_utf8_next(text + i, len - i, &c);
		if (n && vd_char_unsafe(c)) {
			r = vd_buf_add(buf, text + from, i - from);
			if (!r)
				r = vd_buf_addf(buf, "\\u%04x", c);
			from = i + n;
		}
		n = n ? n : 1;
	}
	return r ? r : vd_buf_add(buf, text + from, len - from);
}

int vd_json_print(struct vd_buf *buf, const struct vd_value *value, int pretty)
{
	VD_CLEANUP(put_object) struct json_object *o = NULL;
	const char *text;
	size_t len;

	if (export(value, &o) < 0)
		return -ENOMEM;
	text = json_object_to_json_string_length(
	        o, JSON_C_TO_STRING_NOSLASHESCAPE | (pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : 0),
	        &len);
	return text ? add_seen(buf, text, len) : -ENOMEM;
}
