/* SPDX-License-Identifier: Apache-2.0
 *
 * See dicom.h. Explicit and implicit VR, little and big endian; a deflated data set is not
 * opened.
 */
#include "lib/record/dicom.h"

#include <string.h>

#define ELEMENTS_MAX   5000
#define TEXT_MAX_BYTES 1024
#define UNDEFINED      0xffffffffu

typedef struct {
    ErecSource *source;
    guint64 at;
    gboolean explicit_vr, big;
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
    return g_utf8_make_valid(buffer, (gssize)length);
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

static void
look_at(const Walk *walk, const Element *element, ErecDicom *dicom)
{
    switch (element->tag) {
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

void
erec_dicom_read(ErecSource *source, ErecDicom *dicom)
{
    Walk walk = {source, 132, TRUE, FALSE};
    const guint64 size = erec_source_size(source);
    Element element;

    memset(dicom, 0, sizeof *dicom);
    if (!read_meta(&walk, dicom))
        return;
    for (guint n = 0; n < ELEMENTS_MAX && walk.at < size; n++) {
        if (!next_element(&walk, &element)) {
            dicom->cut = size - walk.at < 12;
            dicom->damaged = !dicom->cut;
            return;
        }
        if (element.length == UNDEFINED)
            return; /* a sequence that says where it ends only at its end: not followed */
        if (element.value > size || element.length > size - element.value) {
            dicom->cut = TRUE;
            return;
        }
        look_at(&walk, &element, dicom);
        walk.at = element.value + element.length;
    }
}

void
erec_dicom_clear(ErecDicom *dicom)
{
    g_free(dicom->study_date);
    g_free(dicom->modality);
    g_free(dicom->institution);
    g_free(dicom->description);
    g_free(dicom->patient);
    memset(dicom, 0, sizeof *dicom);
}
