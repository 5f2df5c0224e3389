/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "out.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* One write per this many bytes: beyond it system calls no longer count. */
#define CAPACITY ((size_t)256 << 10)

void vd_out_open(struct vd_ctx *ctx, bool paged, struct vd_out *ret_out)
{
	memset(ret_out, 0, sizeof(*ret_out));
	ret_out->fd = STDOUT_FILENO;
	ret_out->said = ctx->said;
	ret_out->color = !ctx->json && vd_want_color(ctx); /* asked before the pager takes the terminal's place */
	ret_out->cap = CAPACITY;
	ret_out->buf = vd_report_need(malloc(CAPACITY));
	fflush(stdout);
	ret_out->paged = paged && vd_pager_open(ctx, &ret_out->pager);
}

bool vd_out_flush(struct vd_out *out)
{
	size_t done = 0;

	while (done < out->len && !out->error) {
		ssize_t n = write(out->fd, out->buf + done, out->len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			out->error = errno;
	}
	if (done && out->said)
		out->said->json = true;
	out->len = 0;
	return !out->error;
}

enum vd_exit vd_out_close(struct vd_ctx *ctx, struct vd_out *out, enum vd_exit status)
{
	vd_out_flush(out);
	/* It cannot be written a second time: it may come from a pipe. */
	if (out->paged && !vd_pager_close(ctx, &out->pager)) {
		vd_error(ctx, "the output is lost; use --no-pager");
		status = VD_EXIT_UNKNOWN;
	}
	free(out->buf);
	out->buf = NULL;
	/* A reader who has gone wanted no more. */
	if (!out->error || out->error == EPIPE)
		return status;
	vd_error(ctx, "cannot write the output: %s", strerror(out->error));
	return VD_EXIT_UNKNOWN;
}

void vd_out_add(struct vd_out *out, const char *data, size_t len)
{
	while (len) {
		size_t n = len < VD_OUT_ROOM ? len : VD_OUT_ROOM;

		memcpy(vd_out_reserve(out, n), data, n);
		out->len += n;
		data += n;
		len -= n;
	}
}

void vd_out_adds(struct vd_out *out, const char *s)
{
	vd_out_add(out, s, strlen(s));
}

void vd_out_num(struct vd_out *out, int64_t n)
{
	char *to = vd_out_reserve(out, 24);

	out->len += (size_t)snprintf(to, 24, "%lld", (long long)n);
}

/* The one-letter escapes that both forms share: the letter, 0 for none. */
static char letter_of(unsigned char c)
{
	switch (c) {
	case '\b':
		return 'b';
	case '\t':
		return 't';
	case '\n':
		return 'n';
	case '\f':
		return 'f';
	case '\r':
		return 'r';
	default:
		return 0;
	}
}

size_t vd_out_escaped_char(struct vd_out *out, const char *s, size_t len)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	unsigned char c = (unsigned char)s[0];
	size_t n = 1;

	if (c == '\t' || (c >= 0x20 && c < 0x7f)) {
		*vd_out_reserve(out, 1) = s[0];
		out->len++;
		return 1;
	}
	if (c >= 0x80) {
		n = vd_utf8_next(s, len, NULL);
		n = n ? n : 1;
	}
	vd_report_check(vd_buf_add_escaped(&buf, s, n));
	vd_out_add(out, buf.data, buf.len);
	return n;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f;
}

void vd_out_escaped(struct vd_out *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t plain = i;

		while (plain < len && (is_plain((unsigned char)s[plain]) || s[plain] == '\t'))
			plain++;
		vd_out_add(out, s + i, plain - i);
		i = plain;
		if (i < len)
			i += vd_out_escaped_char(out, s + i, len - i);
	}
}

/* Eight plain ASCII bytes at once: no control character, no quote, no backslash, nothing above 0x7e. */
static bool is_plain_json8(const char *s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
	uint64_t v, quote, backslash;

	memcpy(&v, s, 8);
	quote = v ^ (ones * '"');
	backslash = v ^ (ones * '\\');
	/* A byte below n, or equal to 0: the classic trick, exact here because bytes with the high bit are refused. */
	return ((v | (v - ones * 0x20) | (v + ones) | (quote - ones) | (backslash - ones)) & highs) == 0;
}

bool vd_out_json(struct vd_out *out, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	bool valid = true;

	for (size_t i = 0; i < len;) {
		size_t plain = i, n;
		unsigned char c;
		char *to;

		while (len - plain >= 8 && is_plain_json8(s + plain))
			plain += 8;
		while (plain < len && is_plain((unsigned char)s[plain]) && s[plain] != '"' && s[plain] != '\\')
			plain++;
		vd_out_add(out, s + i, plain - i);
		i = plain;
		if (i == len)
			break;
		c = (unsigned char)s[i];
		to = vd_out_reserve(out, 8);
		if (c == '"' || c == '\\' || letter_of(c)) {
			*to++ = '\\';
			*to++ = letter_of(c) ? letter_of(c) : s[i];
			n = 1;
		} else if (c < 0x20 || c == 0x7f) {
			memcpy(to, "\\u00", 4);
			to[4] = hex[c >> 4];
			to[5] = hex[c & 15];
			to += 6;
			n = 1;
		} else {
			unsigned code = 0;

			n = vd_utf8_next(s + i, len - i, &code);
			if (n && vd_char_unsafe(code)) {
				to += snprintf(to, 8, "\\u%04x", code);
			} else {
				memcpy(to, n ? s + i : "\xef\xbf\xbd", n ? n : 3);
				to += n ? n : 3;
			}
			valid = valid && n;
			n = n ? n : 1;
		}
		out->len = (size_t)(to - out->buf);
		i += n;
	}
	return valid;
}

void vd_out_base64(struct vd_out *out, const char *s, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned v = (unsigned)(unsigned char)s[i] << 16;
		char *to = vd_out_reserve(out, 4);

		v |= n > 1 ? (unsigned)(unsigned char)s[i + 1] << 8 : 0;
		v |= n > 2 ? (unsigned char)s[i + 2] : 0;
		to[0] = digits[v >> 18];
		to[1] = digits[v >> 12 & 63];
		to[2] = n > 1 ? digits[v >> 6 & 63] : '=';
		to[3] = n > 2 ? digits[v & 63] : '=';
		out->len += 4;
	}
}
