/* SPDX-License-Identifier: Apache-2.0
 *
 * See dicom.h. Explicit and implicit VR, little and big endian; a deflated data set is not
 * opened.
 */
#include "lib/record/dicom.h"

#include <string.h>

#define ELEMENTS_MAX   5000
#define DEPTH_MAX      16 /* of sequences */
#define TEXT_MAX_BYTES 1024
#define UNDEFINED      0xffffffffu
#define PIXEL_DATA     0x7fe00010u

typedef struct {
    ErecSource *source;
    guint64 at;
    gboolean explicit_vr, big;
    const char *charset; /* iconv's name; NULL: ASCII or UTF-8 */
} Walk;

typedef struct {
    guint32 tag;
    char vr[3];
    guint32 length;
    guint64 value;
} Element;

static guint32
number(const guchar *p, guint bytes, gboolean big)
{
    guint32 value = 0;

    for (guint i = 0; i < bytes; i++)
        value = value << 8 | p[big ? i : bytes - 1 - i];
    return value;
}

/* PS3.5, 7.1.2: these have two reserved bytes and a length of four. */
static gboolean
has_long_length(const char *vr)
{
    static const char *const wide[] = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ",
                                       "SV", "UC", "UN", "UR", "UT", "UV", NULL};

    return g_strv_contains(wide, vr);
}

/* FALSE at the end of the file, or when this is no element. */
static gboolean
next_element(Walk *walk, Element *element)
{
    guchar head[12];
    const gssize got = erec_source_read(walk->source, walk->at, head, sizeof head);
    guint used = 8;

    if (got < 8)
        return FALSE;
    element->tag = number(head, 2, walk->big) << 16 | number(head + 2, 2, walk->big);
    element->vr[0] = '\0';
    if (!walk->explicit_vr || element->tag >> 16 == 0xfffe) {
        element->length = number(head + 4, 4, walk->big);
    } else {
        if (!g_ascii_isupper(head[4]) || !g_ascii_isupper(head[5]))
            return FALSE;
        memcpy(element->vr, head + 4, 2);
        element->vr[2] = '\0';
        if (has_long_length(element->vr)) {
            if (got < 12)
                return FALSE;
            element->length = number(head + 8, 4, walk->big);
            used = 12;
        } else {
            element->length = number(head + 6, 2, walk->big);
        }
    }
    element->value = walk->at + used;
    return TRUE;
}

/* Text of an element; what is not UTF-8 is replaced (it is only shown, or compared with names).
 */
static char *
text_of(const Walk *walk, const Element *element)
{
    char buffer[TEXT_MAX_BYTES];
    gsize length = MIN(element->length, sizeof buffer);
    const gssize got = erec_source_read(walk->source, element->value, buffer, length);

    while (length > 0 && (buffer[length - 1] == ' ' || buffer[length - 1] == '\0'))
        length--;
    if (got < 0 || (gsize)got < length || length == 0 || memchr(buffer, '\0', length) != NULL)
        return NULL;
    if (walk->charset != NULL) {
        char *converted =
            g_convert(buffer, (gssize)length, "UTF-8", walk->charset, NULL, NULL, NULL);

        if (converted != NULL)
            return converted;
    }
    return g_utf8_make_valid(buffer, (gssize)length);
}

/* PS3.3, C.12.1.1.2: the single-byte sets; of those with escapes only what is ASCII is read. */
static const char *
charset_of(const char *term)
{
    static const struct {
        const char *term, *name;
    } sets[] = {
        {"ISO_IR 100", "ISO-8859-1"}, {"ISO_IR 101", "ISO-8859-2"},
        {"ISO_IR 109", "ISO-8859-3"}, {"ISO_IR 110", "ISO-8859-4"},
        {"ISO_IR 144", "ISO-8859-5"}, {"ISO_IR 127", "ISO-8859-6"},
        {"ISO_IR 126", "ISO-8859-7"}, {"ISO_IR 138", "ISO-8859-8"},
        {"ISO_IR 148", "ISO-8859-9"}, {"ISO_IR 203", "ISO-8859-15"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(sets); i++)
        if (g_strcmp0(sets[i].term, term) == 0)
            return sets[i].name;
    return NULL;
}

static char *
date_of(const Walk *walk, const Element *element)
{
    g_autofree char *text = text_of(walk, element);

    if (text == NULL || strlen(text) != 8 || strspn(text, "0123456789") != 8)
        return NULL;
    return g_strdup_printf("%.4s-%.2s-%.2s", text, text + 4, text + 6);
}

static void
take(char **field, char *text)
{
    if (*field == NULL)
        *field = text;
    else
        g_free(text);
}

static char *
sex_of(const Walk *walk, const Element *element)
{
    g_autofree char *text = text_of(walk, element);

    return g_strdup(g_strcmp0(text, "M") == 0   ? "male"
                    : g_strcmp0(text, "F") == 0 ? "female"
                    : g_strcmp0(text, "O") == 0 ? "other"
                                                : NULL);
}

static void
look_at(Walk *walk, const Element *element, ErecDicom *dicom)
{
    g_autofree char *term = NULL;

    switch (element->tag) {
    case 0x00080005:
        term = text_of(walk, element);
        walk->charset = charset_of(term);
        break;
    case 0x00080020: /* of the study, the series, the content */
    case 0x00080021:
    case 0x00080023:
        take(&dicom->study_date, date_of(walk, element));
        break;
    case 0x00080060:
        take(&dicom->modality, text_of(walk, element));
        break;
    case 0x00080080:
        take(&dicom->institution, text_of(walk, element));
        break;
    case 0x00081030: /* of the study, the series */
    case 0x0008103e:
        take(&dicom->description, text_of(walk, element));
        break;
    case 0x00100010:
        take(&dicom->patient, text_of(walk, element));
        dicom->unread = dicom->unread || (dicom->patient == NULL && element->length > 0);
        break;
    case 0x00100020:
        take(&dicom->number, text_of(walk, element));
        break;
    case 0x00100030:
        take(&dicom->birth_date, date_of(walk, element));
        break;
    case 0x00100040:
        take(&dicom->sex, sex_of(walk, element));
        break;
    default:
        break;
    }
}

/* The file's meta information tells how the rest is written. FALSE: it cannot be walked. */
static gboolean
read_meta(Walk *walk, ErecDicom *dicom)
{
    g_autofree char *syntax = NULL;
    Element element;
    guint n = 0;

    while (n++ < ELEMENTS_MAX && next_element(walk, &element) && element.tag >> 16 == 0x0002) {
        if (element.tag == 0x00020010)
            take(&syntax, text_of(walk, &element));
        walk->at = element.value + element.length;
    }
    if (n == 1)
        dicom->damaged = TRUE;
    walk->explicit_vr = g_strcmp0(syntax, "1.2.840.10008.1.2") != 0;
    walk->big = g_strcmp0(syntax, "1.2.840.10008.1.2.2") == 0;
    return n > 1 && g_strcmp0(syntax, "1.2.840.10008.1.2.1.99") != 0;
}

#define ITEM         0xfffee000u
#define ITEM_END     0xfffee00du
#define SEQUENCE_END 0xfffee0ddu

/* Into and out of what says where it ends only at its end. FALSE: it cannot be followed. */
static gboolean
step(Walk *walk, const Element *element, guint *depth)
{
    if (element->tag == ITEM_END || element->tag == SEQUENCE_END) {
        if (*depth == 0 || element->length != 0)
            return FALSE;
        (*depth)--;
        walk->at = element->value;
        return TRUE;
    }
    /* what is inside "UN" is written in another way than the rest */
    if (element->length == UNDEFINED &&
        (strcmp(element->vr, "UN") == 0 || (element->tag == ITEM && *depth == 0) ||
         ++*depth > DEPTH_MAX))
        return FALSE;
    walk->at = element->value + (element->length == UNDEFINED ? 0 : element->length);
    return TRUE;
}

/* FALSE: nothing behind it is read. */
static gboolean
read_element(Walk *walk, guint64 size, guint *depth, ErecDicom *dicom)
{
    Element element;

    if (!next_element(walk, &element)) {
        dicom->cut = size - walk->at < 12;
        dicom->damaged = !dicom->cut;
        return FALSE;
    }
    if (*depth == 0 && element.tag >= 0x00110000)
        dicom->complete = TRUE;
    if (*depth == 0 && element.tag == PIXEL_DATA && element.length == UNDEFINED)
        return FALSE; /* pieces of a picture */
    if (element.length != UNDEFINED &&
        (element.value > size || element.length > size - element.value)) {
        dicom->cut = TRUE;
        return FALSE;
    }
    if (*depth == 0 && element.length != UNDEFINED)
        look_at(walk, &element, dicom);
    return step(walk, &element, depth);
}

void
erec_dicom_read(ErecSource *source, ErecDicom *dicom)
{
    Walk walk = {source, 132, TRUE, FALSE, NULL};
    const guint64 size = erec_source_size(source);
    guint depth = 0;

    memset(dicom, 0, sizeof *dicom);
    if (!read_meta(&walk, dicom))
        return;
    for (guint n = 0; n < ELEMENTS_MAX && walk.at < size; n++)
        if (!read_element(&walk, size, &depth, dicom))
            return;
    dicom->complete = dicom->complete || walk.at >= size;
}

void
erec_dicom_clear(ErecDicom *dicom)
{
    g_free(dicom->study_date);
    g_free(dicom->modality);
    g_free(dicom->institution);
    g_free(dicom->description);
    g_free(dicom->patient);
    g_free(dicom->birth_date);
    g_free(dicom->sex);
    g_free(dicom->number);
    memset(dicom, 0, sizeof *dicom);
}
