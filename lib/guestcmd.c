/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guestcmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

static const char *const kind_names[VD_GUESTCMD_KIND_COUNT_] = { "env", "program", "option", "word" };

const char *vd_guestcmd_kind_name(enum vd_guestcmd_kind kind)
{
	return kind_names[kind];
}

void vd_guestcmd_release(struct vd_guestcmd *cmd)
{
	for (size_t i = 0; i < cmd->len; i++) {
		free(cmd->items[i].name);
		free(cmd->items[i].value);
	}
	free(cmd->items);
	memset(cmd, 0, sizeof(*cmd));
}

const char *vd_guestcmd_program(const struct vd_guestcmd *cmd)
{
	for (size_t i = 0; i < cmd->len; i++)
		if (cmd->items[i].kind == VD_GUESTCMD_PROGRAM)
			return cmd->items[i].name;
	return NULL;
}

/* --- words ----------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next word of @text from *@pos into @word, quotes taken off. 1 a word, 0 the end, -ENOMEM. */
static int next_word(const char *text, size_t len, size_t *pos, struct vd_buf *word, bool *cut)
{
	size_t i = *pos;
	bool some = false, quoted = false;
	int rc = 0;

	vd_buf_clear(word);
	while (i < len && rc == 0) {
		char c = text[i];

		if (quoted) {
			if (c == '\'')
				quoted = false;
			else
				rc = vd_buf_addc(word, c);
		} else if (c == '\'') {
			quoted = some = true;
		} else if (c == '\\' && i + 1 < len && text[i + 1] != '\n' && text[i + 1] != '\r') {
			rc = vd_buf_addc(word, text[++i]);
			some = true;
		} else if (c == '\\') {
			; /* the line goes on */
		} else if (!is_blank(c)) {
			rc = vd_buf_addc(word, c);
			some = true;
		} else if (some) {
			break;
		}
		i++;
	}
	*pos = i;
	*cut |= quoted;
	return rc < 0 ? rc : some;
}

/* "NAME=": the length of the name, 0 when it is no variable. */
static size_t variable(const char *word)
{
	size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return n && word[n] == '=' && !(word[0] >= '0' && word[0] <= '9') ? n : 0;
}

static int add_arg(struct vd_guestcmd *cmd, enum vd_guestcmd_kind kind, const char *name, size_t name_len,
                   const char *value)
{
	struct vd_guestcmd_arg *arg;

	if (cmd->len == cmd->cap) {
		size_t cap = cmd->cap ? cmd->cap * 2 : 64;
		struct vd_guestcmd_arg *items = realloc(cmd->items, cap * sizeof(*items));

		if (!items)
			return -ENOMEM;
		cmd->items = items;
		cmd->cap = cap;
	}
	arg = &cmd->items[cmd->len];
	*arg = (struct vd_guestcmd_arg){ kind, strndup(name, name_len), value ? strdup(value) : NULL };
	cmd->len++;
	return arg->name && (!value || arg->value) ? 0 : -ENOMEM;
}

/* @more at the end of the value of the last argument: of LXC's unquoted variables. */
static int extend_last(struct vd_guestcmd *cmd, struct vd_buf *more)
{
	struct vd_guestcmd_arg *arg;
	char *value;

	if (!more->len)
		return 0;
	arg = &cmd->items[cmd->len - 1];
	if (asprintf(&value, "%s%s", arg->value ? arg->value : "", vd_buf_str(more)) < 0)
		return -ENOMEM;
	free(arg->value);
	arg->value = value;
	vd_buf_clear(more);
	return 0;
}

/* @more: words that belong to the last argument and are added to it once there is another one. */
static int add_word(struct vd_guestcmd *cmd, const char *word, enum vd_driver driver, bool *program,
                    struct vd_buf *more)
{
	struct vd_guestcmd_arg *last = cmd->len ? &cmd->items[cmd->len - 1] : NULL;
	size_t name = variable(word);

	/* "LIBVIRT_LOG_FILTERS=1:*lxc* 1:*util* LIBVIRT_...": nothing is quoted; programs are given with their path. */
	if (!*program && !name && driver == VD_DRIVER_LXC && last && word[0] != '/')
		return vd_buf_addf(more, " %s", word);
	if (extend_last(cmd, more) < 0)
		return -ENOMEM;
	if (!*program && name)
		return add_arg(cmd, VD_GUESTCMD_ENV, word, name, word + name + 1);
	if (!*program && word[0] != '-') {
		*program = true;
		return add_arg(cmd, VD_GUESTCMD_PROGRAM, word, strlen(word), NULL);
	}
	*program = true;
	if (word[0] == '-' && word[1])
		return add_arg(cmd, VD_GUESTCMD_OPTION, word, strlen(word), NULL);
	if (last && last->kind == VD_GUESTCMD_OPTION && !last->value) {
		last->value = strdup(word);
		return last->value ? 0 : -ENOMEM;
	}
	return add_arg(cmd, VD_GUESTCMD_WORD, word, strlen(word), NULL);
}

int vd_guestcmd_parse(const char *text, size_t len, enum vd_driver driver, struct vd_guestcmd *ret_cmd)
{
	VD_AUTO_BUF word = VD_BUF_INIT, more = VD_BUF_INIT;
	bool program = false;
	size_t pos = 0;
	int rc;

	memset(ret_cmd, 0, sizeof(*ret_cmd));
	for (;;) {
		rc = next_word(text, len, &pos, &word, &ret_cmd->cut);
		if (rc > 0)
			rc = add_word(ret_cmd, vd_buf_str(&word), driver, &program, &more) < 0 ? -ENOMEM : 1;
		if (rc <= 0)
			return rc < 0 ? rc : extend_last(ret_cmd, &more);
	}
}

/* --- for a shell ----------------------------------------------------------------------------------------------- */

/* The @n bytes at @s as the shell's own printf makes them. */
static int add_octal(struct vd_buf *buf, const char *s, size_t n)
{
	int rc = vd_buf_adds(buf, "\"$(printf '");

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = vd_buf_addf(buf, "\\%03o", (unsigned)(unsigned char)s[i]);
	return rc == 0 ? vd_buf_adds(buf, "')\"") : rc;
}

int vd_guestcmd_quote(struct vd_buf *buf, const char *word)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=,./:@%";
	const char *end = word + strlen(word);
	bool quoted = false;
	int rc = 0;

	if (*word && !word[strspn(word, safe)])
		return vd_buf_adds(buf, word);
	if (!*word)
		return vd_buf_adds(buf, "''");
	for (size_t n; word < end && rc == 0; word += n) {
		unsigned code = 0;
		bool control, inside;

		n = vd_utf8_next(word, (size_t)(end - word), &code);
		control = n && code != '\n' && vd_char_unsafe(code);
		inside = !control && *word != '\'';
		n = n ? n : 1;
		if (inside != quoted) {
			rc = vd_buf_addc(buf, '\'');
			quoted = inside;
		}
		if (rc == 0)
			rc = control         ? add_octal(buf, word, n)
			     : *word == '\'' ? vd_buf_adds(buf, "\\'")
			                     : vd_buf_add(buf, word, n);
	}
	return rc == 0 && quoted ? vd_buf_addc(buf, '\'') : rc;
}

int vd_guestcmd_shell(struct vd_buf *buf, const struct vd_guestcmd *cmd)
{
	int rc = vd_buf_adds(buf, "env -i");

	for (size_t i = 0; i < cmd->len && rc == 0; i++) {
		const struct vd_guestcmd_arg *arg = &cmd->items[i];

		rc = vd_buf_adds(buf, " \\\n");
		if (rc == 0 && arg->kind == VD_GUESTCMD_ENV)
			rc = vd_buf_addf(buf, "%s=", arg->name);
		else if (rc == 0)
			rc = vd_guestcmd_quote(buf, arg->name);
		if (rc == 0 && arg->value && arg->kind != VD_GUESTCMD_ENV)
			rc = vd_buf_addc(buf, ' ');
		if (rc == 0 && arg->value)
			rc = vd_guestcmd_quote(buf, arg->value);
	}
	return rc == 0 ? vd_buf_addc(buf, '\n') : rc;
}

/* --- comparing ------------------------------------------------------------------------------------------------- */

/* One argument in a form in which equal ones are equal byte for byte. */
struct key {
	char *exact;   /* keys in order */
	char *loose;   /* ... and what libvirt numbers anew taken out */
	size_t number; /* of the argument */
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int canonical_json(struct vd_buf *out, const struct vd_value *v);

/* The members of an object sorted, each as its own text. */
static int canonical_object(struct vd_buf *out, const struct vd_value *v)
{
	VD_AUTO_STRV members = VD_STRV_INIT;
	VD_AUTO_BUF member = VD_BUF_INIT;
	int rc = 0;

	for (size_t i = 0; i < vd_value_count(v) && rc == 0; i++) {
		vd_buf_clear(&member);
		rc = vd_buf_addf(&member, "%s:", vd_value_key(v, i));
		if (rc == 0)
			rc = canonical_json(&member, vd_value_item(v, i));
		if (rc == 0)
			rc = vd_strv_add(&members, vd_buf_str(&member));
	}
	vd_strv_sort(&members);
	for (size_t i = 0; i < members.len && rc == 0; i++)
		rc = vd_buf_addf(out, "%s%s", i ? "," : "{", members.items[i]);
	return rc == 0 ? vd_buf_adds(out, members.len ? "}" : "{}") : rc;
}

static int canonical_json(struct vd_buf *out, const struct vd_value *v)
{
	int rc = 0;

	if (vd_value_type(v) == VD_VALUE_OBJECT)
		return canonical_object(out, v);
	if (vd_value_type(v) != VD_VALUE_ARRAY)
		return vd_json_print(out, v, 0);
	for (size_t i = 0; i < vd_value_count(v) && rc == 0; i++) {
		rc = vd_buf_addc(out, i ? ',' : '[');
		if (rc == 0)
			rc = canonical_json(out, vd_value_item(v, i));
	}
	return rc == 0 ? vd_buf_addc(out, ']') : rc;
}

/* "a=1,b=2" sorted; a doubled comma is one of the value. The first part stays first: it may be a driver's name. */
static int canonical_list(struct vd_buf *out, const char *value)
{
	VD_AUTO_STRV parts = VD_STRV_INIT;
	const char *start = value, *p = value;
	int rc = 0;

	for (; rc == 0; p++) {
		if (*p == ',' && p[1] == ',') {
			p++;
		} else if (*p == ',' || !*p) {
			rc = vd_strv_addn(&parts, start, (size_t)(p - start));
			start = p + 1;
			if (!*p)
				break;
		}
	}
	if (parts.len > 1 && rc == 0) {
		size_t first = strchr(parts.items[0], '=') ? 0 : 1;

		qsort(parts.items + first, parts.len - first, sizeof(*parts.items), by_text);
	}
	for (size_t i = 0; i < parts.len && rc == 0; i++)
		rc = vd_buf_addf(out, "%s%s", i ? "," : "", parts.items[i]);
	return rc;
}

static int canonical_value(struct vd_buf *out, const struct vd_guestcmd_arg *arg)
{
	VD_AUTO_VALUE struct vd_value *v = NULL;

	if (!arg->value)
		return 0;
	if (arg->kind != VD_GUESTCMD_OPTION)
		return vd_buf_adds(out, arg->value);
	if (arg->value[0] == '{' && vd_json_parse(arg->value, strlen(arg->value), &v, NULL) == 0)
		return canonical_json(out, v);
	return canonical_list(out, arg->value);
}

/*
 * @text with the numbers cut that libvirt gives anew at each start: of "domain-12-NAME" in paths, and of the
 * descriptors in "fd=44", "fds=31:32", "vhostfd=40", "tlsfd"... and in "/dev/fdset/3".
 */
static char *without_numbers(const char *text)
{
	static const char *const before[] = { "/domain-", "fd=", "fds=", "/dev/fdset/", "fdset-id=", "\"fd\":\"" };
	VD_AUTO_BUF out = VD_BUF_INIT;
	int rc = vd_buf_reserve(&out, strlen(text));

	while (*text && rc == 0) {
		size_t cut = 0;

		for (size_t i = 0; i < VD_ARRAY_SIZE(before) && !cut; i++)
			if (!strncmp(text, before[i], strlen(before[i])))
				cut = strlen(before[i]);
		if (!cut) {
			rc = vd_buf_addc(&out, *text++);
			continue;
		}
		rc = vd_buf_add(&out, text, cut);
		text += cut;
		text += strspn(text, "0123456789:");
	}
	return rc == 0 && vd_buf_addc(&out, '\n') == 0 ? vd_buf_steal(&out) : NULL;
}

static void free_keys(struct key *keys, size_t n)
{
	for (size_t i = 0; keys && i < n; i++) {
		free(keys[i].exact);
		free(keys[i].loose);
	}
	free(keys);
}

static struct key *make_keys(const struct vd_guestcmd *cmd)
{
	struct key *keys = calloc(cmd->len ? cmd->len : 1, sizeof(*keys));
	VD_AUTO_BUF text = VD_BUF_INIT;

	for (size_t i = 0; keys && i < cmd->len; i++) {
		const struct vd_guestcmd_arg *arg = &cmd->items[i];

		vd_buf_clear(&text);
		keys[i].number = i;
		if (vd_buf_addf(&text, "%d %s ", (int)arg->kind, arg->name) < 0 || canonical_value(&text, arg) < 0) {
			free_keys(keys, cmd->len);
			return NULL;
		}
		keys[i].exact = strdup(vd_buf_str(&text));
		keys[i].loose = without_numbers(vd_buf_str(&text));
		if (!keys[i].exact || !keys[i].loose) {
			free_keys(keys, cmd->len);
			return NULL;
		}
	}
	return keys;
}

static int by_exact(const void *a, const void *b)
{
	return strcmp(((const struct key *)a)->exact, ((const struct key *)b)->exact);
}

static int by_loose(const void *a, const void *b)
{
	return strcmp(((const struct key *)a)->loose, ((const struct key *)b)->loose);
}

/* Mark what is in both of the sorted lists, each argument once, unless it was matched before. */
static void match(const struct key *a, size_t na, const struct key *b, size_t nb,
                  int (*compare)(const void *, const void *), enum vd_guestcmd_change mark,
                  enum vd_guestcmd_change *ret_a, enum vd_guestcmd_change *ret_b)
{
	size_t i = 0, k = 0;

	while (i < na && k < nb) {
		int order = compare(&a[i], &b[k]);

		if (ret_a[a[i].number] != VD_GUESTCMD_CHANGED) {
			i++;
		} else if (ret_b[b[k].number] != VD_GUESTCMD_CHANGED) {
			k++;
		} else if (order == 0) {
			ret_a[a[i++].number] = mark;
			ret_b[b[k++].number] = mark;
		} else if (order < 0) {
			i++;
		} else {
			k++;
		}
	}
}

int vd_guestcmd_compare(const struct vd_guestcmd *a, const struct vd_guestcmd *b, enum vd_guestcmd_change *ret_a,
                        enum vd_guestcmd_change *ret_b)
{
	struct key *ka = make_keys(a), *kb = make_keys(b);
	int rc = ka && kb ? 0 : -ENOMEM;

	for (size_t i = 0; i < a->len; i++)
		ret_a[i] = VD_GUESTCMD_CHANGED;
	for (size_t i = 0; i < b->len; i++)
		ret_b[i] = VD_GUESTCMD_CHANGED;
	if (rc == 0) {
		qsort(ka, a->len, sizeof(*ka), by_exact);
		qsort(kb, b->len, sizeof(*kb), by_exact);
		match(ka, a->len, kb, b->len, by_exact, VD_GUESTCMD_SAME, ret_a, ret_b);
		qsort(ka, a->len, sizeof(*ka), by_loose);
		qsort(kb, b->len, sizeof(*kb), by_loose);
		match(ka, a->len, kb, b->len, by_loose, VD_GUESTCMD_RENUMBERED, ret_a, ret_b);
	}
	free_keys(ka, a->len);
	free_keys(kb, b->len);
	return rc;
}
