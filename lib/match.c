/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Steps that a line may cost: a few milliseconds. */
#define EFFORT    1000000u
#define STACK_MIN 32768
#define STACK_MAX 1048576

struct vd_match {
	pcre2_code *code;
	pcre2_code *lines; /* the same for many lines at once; NULL: cannot be used so */
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack; /* the machine code's own, larger than what it takes otherwise */
	bool jit;
	unsigned long given_up;
};

/* Properties, code points, letters beyond ASCII: what only makes sense when text is a sequence of characters. */
static bool wants_utf(const char *pattern)
{
	for (const char *p = pattern; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			return true;
		if (*p == '\\' && p[1]) {
			p++;
			if (*p == 'p' || *p == 'P' || *p == 'X' || *p == 'R' || (*p == 'x' && p[1] == '{') ||
			    (*p == 'N' && p[1] == '{'))
				return true;
		}
	}
	return false;
}

/*
 * Every match inside a line is also found in many lines: '^' and '$' mean the same there, and what cannot see beyond
 * its match goes the same ways. Not so lookaround, \\A and its kin, and what never gives back what it took, which could
 * run into the next line.
 */
static bool is_line_local(const char *pattern)
{
	for (const char *p = pattern; *p; p++) {
		if (*p == '\\' && p[1]) {
			p++;
			if (strchr("AZzGKXRQECgk", *p))
				return false;
		} else if (*p == '(' && (p[1] == '*' || (p[1] == '?' && p[2] != ':' && strncmp(p + 2, "i)", 2)))) {
			return false;
		} else if (*p == '+' && p > pattern && strchr("*+?}", p[-1])) {
			return false;
		}
	}
	return true;
}

static int compile(const char *pattern, uint32_t options, pcre2_code **ret_code, PCRE2_SIZE *ret_at)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	int code = PCRE2_ERROR_NOMEMORY;

	*ret_at = 0;
	if (!context)
		return code;
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	*ret_code = pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern), options | PCRE2_NEVER_BACKSLASH_C, &code,
	                          ret_at, context);
	pcre2_compile_context_free(context);
	return *ret_code ? 0 : code;
}

int vd_match_new(const char *pattern, struct vd_match **ret_match, struct vd_err *err)
{
	uint32_t options = wants_utf(pattern) ? PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF : 0;
	VD_AUTO_MATCH *match = calloc(1, sizeof(*match));
	PCRE2_SIZE at;
	int code;

	if (!match)
		return vd_err_set(err, ENOMEM, "no memory for the pattern");
	code = compile(pattern, options, &match->code, &at);
	if (code) {
		PCRE2_UCHAR text[160] = "";

		pcre2_get_error_message(code, text, sizeof(text));
		return vd_err_set(err, EINVAL, "invalid pattern '%s': %s at column %zu", pattern, (const char *)text,
		                  (size_t)at + 1);
	}
	/* Where machine code is not possible, or forbidden by the system, the interpreter does it. */
	match->jit = pcre2_jit_compile(match->code, PCRE2_JIT_COMPLETE) == 0;
	if (match->jit && is_line_local(pattern) &&
	    compile(pattern, options | PCRE2_MULTILINE, &match->lines, &at) == 0 &&
	    pcre2_jit_compile(match->lines, PCRE2_JIT_COMPLETE) != 0) {
		pcre2_code_free(match->lines);
		match->lines = NULL;
	}
	match->data = pcre2_match_data_create(1, NULL);
	match->context = pcre2_match_context_create(NULL);
	if (!match->data || !match->context)
		return vd_err_set(err, ENOMEM, "no memory for the pattern");
	pcre2_set_match_limit(match->context, EFFORT);
	match->stack = match->jit ? pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL) : NULL;
	if (match->stack)
		pcre2_jit_stack_assign(match->context, NULL, match->stack);
	*ret_match = vd_steal(match);
	return 0;
}

void vd_match_free(struct vd_match *match)
{
	if (!match)
		return;
	pcre2_jit_stack_free(match->stack);
	pcre2_match_context_free(match->context);
	pcre2_match_data_free(match->data);
	pcre2_code_free(match->lines);
	pcre2_code_free(match->code);
	free(match);
}

void vd_match_cleanup(struct vd_match **match)
{
	vd_match_free(*match);
}

bool vd_match_has(struct vd_match *match, const char *text, size_t len)
{
	PCRE2_SPTR s = (PCRE2_SPTR)text;
	int r;

	/* The short way into the machine code skips checks that only matter for options that are not used here. */
	if (match->jit)
		r = pcre2_jit_match(match->code, s, len, 0, 0, match->data, match->context);
	else
		r = pcre2_match(match->code, s, len, 0, 0, match->data, match->context);
	if (r < 0 && r != PCRE2_ERROR_NOMATCH)
		match->given_up++;
	return r >= 0;
}

bool vd_match_find(struct vd_match *match, const char *text, size_t len, size_t *ret_start, size_t *ret_end)
{
	const PCRE2_SIZE *place;

	if (!vd_match_has(match, text, len))
		return false;
	place = pcre2_get_ovector_pointer(match->data);
	/* \K may put the start behind the end. */
	*ret_start = place[0] < place[1] ? place[0] : place[1];
	*ret_end = place[1];
	return true;
}

bool vd_match_can_scan(const struct vd_match *match)
{
	return match->lines != NULL;
}

int vd_match_scan(struct vd_match *match, const char *text, size_t len, size_t from, size_t *ret_start)
{
	int r = pcre2_jit_match(match->lines, (PCRE2_SPTR)text, len, from, 0, match->data, match->context);

	if (r == PCRE2_ERROR_NOMATCH)
		return 1;
	if (r < 0)
		return -E2BIG;
	*ret_start = pcre2_get_ovector_pointer(match->data)[0];
	return 0;
}

unsigned long vd_match_given_up(const struct vd_match *match)
{
	return match->given_up;
}

bool vd_glob_matches(const char *glob, const char *name, size_t len)
{
	const char *star = NULL;
	size_t at = 0, retry = 0;

	/* The last star alone has to be tried again: linear in practice, and never recursive. */
	while (at < len) {
		if (*glob == '*') {
			star = ++glob;
			retry = at;
		} else if (*glob && (*glob == '?' || *glob == name[at])) {
			glob++;
			at++;
		} else if (star) {
			glob = star;
			at = ++retry;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}
