/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Lines of logs for people: made fit for a terminal and, when colour is wanted, coloured with restraint. Time, thread
 * and line number recede; level, function, guests, paths, SELinux contexts and words that tell of failures stand out;
 * what is known to be harmless is dimmed as a whole. Readable on dark and light backgrounds: no colour that one of them
 * swallows, bold and dim where a hue is not needed. Colour is never the only signal.
 */

#include "lines.h"
#include "out.h"
#include "record.h"

enum vd_paint_hue {
	VD_PAINT_PLAIN,
	VD_PAINT_DIM,
	VD_PAINT_BOLD,
	VD_PAINT_RED,
	VD_PAINT_YELLOW,
	VD_PAINT_CYAN,
	VD_PAINT_MAGENTA,
	VD_PAINT_GREEN,
	VD_PAINT_COUNT_
};

/* Hues for the labels of guests: @number counts them; they repeat. */
enum vd_paint_hue vd_paint_label_hue(unsigned number);

/* Begin and end a hue; both do nothing when @out has no colour. */
void vd_paint_start(struct vd_out *out, enum vd_paint_hue hue);
void vd_paint_end(struct vd_out *out, enum vd_paint_hue hue);
/* @s, escaped, in a hue. */
void vd_paint_word(struct vd_out *out, enum vd_paint_hue hue, const char *s, size_t len);

/*
 * Free text: escaped; guests, paths, contexts and words of failure stand out, what surrounds them is in @hue. A
 * carriage return at its end is dropped. In dimmed text nothing stands out. No newline is added.
 */
void vd_paint_text(struct vd_out *out, enum vd_paint_hue hue, const char *s, size_t len);
/*
 * A line with the head @record, which was parsed from it; NULL: a line without one, or a further piece of a long line.
 * @dimmed: the whole line is harmless. No newline is added.
 */
void vd_paint_line(struct vd_out *out, const char *line, size_t len, const struct vd_record *record, bool dimmed);
/* The same for a line as lib/lines hands it out: VD_LINES_SLACK bytes behind it are read, which is faster. */
void vd_paint_fast(struct vd_out *out, const struct vd_line *line, const struct vd_record *record, bool dimmed);

/*
 * Is the record one that means nothing on its own: reference counting, the event loop, a client that hung up? True also
 * for a few that libvirt calls errors.
 */
bool vd_record_is_noise(const struct vd_record *record);
