/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int vd_buf_reserve(struct vd_buf *buf, size_t extra)
{
	size_t need, cap;
	char *data;

	if (extra >= SIZE_MAX - buf->len - 1)
		return -ENOMEM;
	need = buf->len + extra + 1;
	if (need <= buf->cap)
		return 0;
	cap = buf->cap < 64 ? 64 : buf->cap;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	data = realloc(buf->data, cap);
	if (!data)
		return -ENOMEM;
	data[buf->len] = '\0';
	buf->data = data;
	buf->cap = cap;
	return 0;
}

int vd_buf_add(struct vd_buf *buf, const void *data, size_t len)
{
	int r = vd_buf_reserve(buf, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int vd_buf_adds(struct vd_buf *buf, const char *s)
{
	return vd_buf_add(buf, s, strlen(s));
}

int vd_buf_addc(struct vd_buf *buf, char c)
{
	return vd_buf_add(buf, &c, 1);
}

/* Has @fmt no conversions but %s? */
static bool joins_strings(const char *fmt)
{
	while ((fmt = strchr(fmt, '%')) && fmt[1] == 's')
		fmt += 2;
	return !fmt;
}

static int join_strings(struct vd_buf *buf, const char *fmt, va_list ap)
{
	size_t before = buf->len;
	int r = 0;

	while (*fmt && r == 0) {
		size_t len = strcspn(fmt, "%");
		const char *s = len ? NULL : va_arg(ap, const char *);

		r = len ? vd_buf_add(buf, fmt, len) : vd_buf_adds(buf, s ? s : "(null)");
		fmt += len ? len : 2;
	}
	if (r < 0) {
		buf->len = before;
		buf->data[before] = '\0';
	}
	return r;
}

int vd_buf_addf(struct vd_buf *buf, const char *fmt, ...)
{
	va_list ap;
	size_t room;
	int n, r = vd_buf_reserve(buf, 0);

	if (r < 0)
		return r;
	/* Most formats only put strings together, for which vsnprintf(3) takes several times as long. */
	if (joins_strings(fmt)) {
		buf->data[buf->len] = '\0';
		va_start(ap, fmt);
		r = join_strings(buf, fmt, ap);
		va_end(ap);
		return r;
	}
	/* Mostly the room is enough; else this tells how much is. */
	room = buf->cap - buf->len;
	va_start(ap, fmt);
	n = vsnprintf(buf->data + buf->len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		buf->data[buf->len] = '\0';
		r = n < 0 ? -ENOMEM : vd_buf_reserve(buf, (size_t)n);
		if (r < 0)
			return r;
		va_start(ap, fmt);
		vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	buf->len += (size_t)n;
	return 0;
}

const char *vd_buf_str(const struct vd_buf *buf)
{
	return buf->data ? buf->data : "";
}

int vd_buf_write(const struct vd_buf *buf, int fd)
{
	for (size_t done = 0; done < buf->len;) {
		ssize_t n = write(fd, buf->data + done, buf->len - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int vd_text_setv(char **slot, const char *fmt, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, args) < 0)
		return -ENOMEM;
	free(*slot);
	*slot = text;
	return 0;
}

void vd_buf_clear(struct vd_buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

void vd_buf_release(struct vd_buf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->len = buf->cap = 0;
}

char *vd_buf_steal(struct vd_buf *buf)
{
	char *data;

	if (vd_buf_reserve(buf, 0) < 0)
		return NULL;
	data = buf->data;
	buf->data = NULL;
	buf->len = buf->cap = 0;
	return data;
}

size_t vd_utf8_next(const char *data, size_t len, unsigned *ret_char)
{
	const unsigned char *p = (const unsigned char *)data;
	unsigned c, min;
	size_t n;

	if (!len)
		return 0;
	if (p[0] < 0x80) {
		if (ret_char)
			*ret_char = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		n = 2;
		c = p[0] & 0x1f;
		min = 0x80;
	} else if ((p[0] & 0xf0) == 0xe0) {
		n = 3;
		c = p[0] & 0x0f;
		min = 0x800;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4;
		c = p[0] & 0x07;
		min = 0x10000;
	} else {
		return 0;
	}
	if (len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (ret_char)
		*ret_char = c;
	return n;
}

size_t vd_utf8_whole(const char *data, size_t len)
{
	for (size_t back = 1; back <= 3 && back < len; back++) {
		unsigned char c = (unsigned char)data[len - back];

		if ((c & 0xc0) == 0x80)
			continue;
		if (c < 0xc0)
			return len;
		return (c >= 0xf0 ? 4u : c >= 0xe0 ? 3u : 2u) > back ? len - back : len;
	}
	return len;
}

bool vd_utf8_valid(const char *data, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = vd_utf8_next(data + i, len - i, NULL);
		if (!n)
			return false;
	}
	return true;
}

bool vd_char_unsafe(unsigned c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static bool is_plain_ascii(char c)
{
	return c >= ' ' && c <= '~';
}

int vd_buf_add_escaped(struct vd_buf *buf, const char *data, size_t len)
{
	size_t n;
	int r = 0;

	for (size_t i = 0; i < len && !r; i += n) {
		unsigned c = 0;

		/* What nearly every text consists of, in one piece. */
		for (n = 0; i + n < len && is_plain_ascii(data[i + n]); n++)
			;
		if (n) {
			r = vd_buf_add(buf, data + i, n);
			continue;
		}
		n = vd_utf8_next(data + i, len - i, &c);
		if (n && !vd_char_unsafe(c)) {
			r = vd_buf_add(buf, data + i, n);
			continue;
		}
		if (n == 1 && c == '\n') {
			r = vd_buf_adds(buf, "\\n");
		} else if (n == 1 && c == '\t') {
			r = vd_buf_adds(buf, "\\t");
		} else if (n == 1 && c == 0x1b) {
			r = vd_buf_adds(buf, "\\e");
		} else {
			if (!n)
				n = 1;
			for (size_t k = 0; k < n && !r; k++)
				r = vd_buf_addf(buf, "\\x%02x", (unsigned char)data[i + k]);
		}
	}
	return r;
}

int vd_buf_add_shell(struct vd_buf *buf, const char *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
	size_t start = buf->len;
	int r = 0;

	for (size_t i = 0, n, len = strlen(word); i < len; i += n) {
		unsigned c = 0;

		n = vd_utf8_next(word + i, len - i, &c);
		if (!n || vd_char_unsafe(c))
			return -EILSEQ;
	}
	if (*word && word[strspn(word, safe)] == '\0')
		return vd_buf_adds(buf, word);
	r = vd_buf_addc(buf, '\'');
	for (const char *p = word; *p && !r; p++)
		r = *p == '\'' ? vd_buf_adds(buf, "'\\''") : vd_buf_addc(buf, *p);
	if (!r)
		r = vd_buf_addc(buf, '\'');
	if (r < 0 && buf->data) {
		buf->len = start;
		buf->data[start] = '\0';
	}
	return r;
}

int vd_strv_take(struct vd_strv *v, char *s)
{
	if (!s)
		return -ENOMEM;
	if (v->len + 2 > v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 8;
		char **items = realloc(v->items, cap * sizeof(*items));

		if (!items) {
			free(s);
			return -ENOMEM;
		}
		v->items = items;
		v->cap = cap;
	}
	v->items[v->len++] = s;
	v->items[v->len] = NULL;
	return 0;
}

int vd_strv_add(struct vd_strv *v, const char *s)
{
	return vd_strv_take(v, strdup(s));
}

int vd_strv_addn(struct vd_strv *v, const char *s, size_t len)
{
	return vd_strv_take(v, strndup(s, len));
}

bool vd_strv_has(const struct vd_strv *v, const char *s)
{
	for (size_t i = 0; i < v->len; i++)
		if (!strcmp(v->items[i], s))
			return true;
	return false;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void vd_strv_sort(struct vd_strv *v)
{
	if (v->len > 1)
		qsort(v->items, v->len, sizeof(*v->items), compare_strings);
}

void vd_strv_release(struct vd_strv *v)
{
	for (size_t i = 0; i < v->len; i++)
		free(v->items[i]);
	free(v->items);
	v->items = NULL;
	v->len = v->cap = 0;
}
