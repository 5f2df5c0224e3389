/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp.h"

#include <string.h>

#include "whose.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *skip_blanks(const char *s, const char *end)
{
	while (s < end && is_blank(*s))
		s++;
	return s;
}

/* Behind the string whose opening quote is at @s; NULL when it does not end. */
static const char *skip_string(const char *s, const char *end)
{
	for (s++; s < end && *s != '"'; s++)
		if (*s == '\\')
			s++;
	return s < end ? s + 1 : NULL;
}

/* Behind the value at @s: nesting is counted, not followed. NULL when it does not end. */
static const char *skip_value(const char *s, const char *end)
{
	unsigned depth = 0;

	if (s < end && *s == '"')
		return skip_string(s, end);
	while (s < end) {
		if (*s == '"') {
			s = skip_string(s, end);
			if (!s)
				return NULL;
			continue;
		}
		if (*s == '{' || *s == '[') {
			depth++;
		} else if (*s == '}' || *s == ']') {
			if (!depth)
				return s;
			if (!--depth)
				return s + 1;
		} else if (!depth && (*s == ',' || is_blank(*s))) {
			return s;
		}
		s++;
	}
	return NULL;
}

bool vd_json_member(const struct vd_slice *text, const char *key, struct vd_slice *ret_value)
{
	const char *end = text->s + text->len, *s = skip_blanks(text->s, end);
	size_t len = strlen(key);

	if (s == end || *s++ != '{')
		return false;
	for (;;) {
		const char *name = skip_blanks(s, end), *value;
		bool found;

		if (name == end || *name != '"')
			return false;
		s = skip_string(name, end);
		if (!s)
			return false;
		found = (size_t)(s - name) == len + 2 && memcmp(name + 1, key, len) == 0;
		s = skip_blanks(s, end);
		if (s == end || *s++ != ':')
			return false;
		value = skip_blanks(s, end);
		s = skip_value(value, end);
		if (!s || s == value)
			return false;
		if (found) {
			bool quoted = *value == '"';

			*ret_value = (struct vd_slice){ value + quoted, (size_t)(s - value) - 2 * quoted };
			return true;
		}
		s = skip_blanks(s, end);
		if (s == end || *s++ != ',')
			return false;
	}
}

static const struct {
	const char *word, *key; /* what the message begins with, and what stands before its JSON */
	enum vd_qmp_kind kind;
} words[] = {
	{ "QEMU_MONITOR_SEND_MSG: ", " msg=", VD_QMP_COMMAND },
	{ "QEMU_MONITOR_RECV_REPLY: ", " reply=", VD_QMP_REPLY },
	{ "QEMU_MONITOR_RECV_EVENT: ", " event=", VD_QMP_EVENT },
	{ "QEMU_MONITOR_CLOSE: ", NULL, VD_QMP_CLOSE },
};

/* What of the JSON matters. A long reply is cut by the reader; its id, which libvirt's QEMU puts last, is lost then. */
static void take_json(struct vd_qmp *qmp, const struct vd_slice *json)
{
	struct vd_slice error;

	vd_json_member(json, "id", &qmp->id);
	if (qmp->kind == VD_QMP_REPLY) {
		qmp->is_error = vd_json_member(json, "error", &error);
		if (qmp->is_error)
			vd_json_member(&error, "desc", &qmp->error);
	} else if (qmp->kind == VD_QMP_EVENT) {
		vd_json_member(json, "event", &qmp->name);
		vd_json_member(json, "data", &qmp->arguments);
	} else if (vd_json_member(json, "execute", &qmp->name) || vd_json_member(json, "exec-oob", &qmp->name)) {
		vd_json_member(json, "arguments", &qmp->arguments);
	}
}

bool vd_qmp_parse(const struct vd_record *record, struct vd_qmp *ret_qmp)
{
	static const struct vd_qmp none;
	const struct vd_slice *message = &record->message;
	const char *end = message->s + message->len, *json;

	*ret_qmp = none;
	if (message->len < 20 || memcmp(message->s, "QEMU_MONITOR_", 13) != 0)
		return false;
	for (size_t i = 0; i < VD_ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i].word);

		if (message->len < len || memcmp(message->s, words[i].word, len) != 0)
			continue;
		ret_qmp->kind = words[i].kind;
		ret_qmp->monitor = vd_message_address(message, "mon=");
		json = words[i].key ? memmem(message->s, message->len < 100 ? message->len : 100, words[i].key,
		                             strlen(words[i].key))
		                    : NULL;
		if (json) {
			json += strlen(words[i].key);
			take_json(ret_qmp, &(struct vd_slice){ json, (size_t)(end - json) });
		}
		return true;
	}
	return false;
}
