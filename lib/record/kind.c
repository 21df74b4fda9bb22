/* SPDX-License-Identifier: Apache-2.0
 *
 * See kind.h. Looks at a few places of the file, whatever its size.
 */
#include "lib/record/kind.h"

#include <string.h>

#include "lib/record/xml.h"

/* marks a text for gettext; what shows it translates it */
#define N_(text) (text)
#define HEAD     4096
/* Some writers put a line before the header; readers look so far (ISO 32000, Annex H). */
#define PDF_LEAD 1024

static const struct {
    const char *name, *media_type, *words;
} kinds[] = {
    [EREC_KIND_OPAQUE] = {"opaque", "application/octet-stream",
                          N_("a file of an unknown kind")},
    [EREC_KIND_JSON] = {"fhir-json", "application/fhir+json", N_("a FHIR record")},
    [EREC_KIND_FHIR_XML] = {"fhir-xml", "application/fhir+xml", N_("a FHIR record in XML")},
    [EREC_KIND_CDA] = {"cda", "text/xml", N_("a CDA document")},
    [EREC_KIND_XML] = {"xml", "application/xml", N_("an XML file")},
    [EREC_KIND_PDF] = {"pdf", "application/pdf", N_("a PDF document")},
    [EREC_KIND_JPEG] = {"jpeg", "image/jpeg", N_("a JPEG picture")},
    [EREC_KIND_PNG] = {"png", "image/png", N_("a PNG picture")},
    [EREC_KIND_TIFF] = {"tiff", "image/tiff", N_("a TIFF picture")},
    [EREC_KIND_BIGTIFF] = {"bigtiff", "image/tiff", N_("a BigTIFF picture")},
    [EREC_KIND_DICOM] = {"dicom", "application/dicom", N_("a DICOM image or report")},
};

/* Files that begin with fixed bytes; DICOM and PDF do not. */
static const struct {
    const char *bytes;
    gsize length;
    ErecKind kind;
} magic[] = {
    {"\xff\xd8\xff", 3, EREC_KIND_JPEG},
    {"\x89PNG\r\n\x1a\n", 8, EREC_KIND_PNG},
    {"II\x2a\x00", 4, EREC_KIND_TIFF},
    {"MM\x00\x2a", 4, EREC_KIND_TIFF},
    {"II\x2b\x00\x08\x00\x00\x00", 8, EREC_KIND_BIGTIFF},
    {"MM\x00\x2b\x00\x08\x00\x00", 8, EREC_KIND_BIGTIFF},
};

static ErecKind
text_kind(const char *head, gsize length)
{
    gsize at = length >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (at < length && strchr(" \t\r\n", head[at]) != NULL && head[at] != '\0')
        at++;
    if (at == length)
        return EREC_KIND_OPAQUE;
    if (head[at] == '{')
        return EREC_KIND_JSON;
    return head[at] == '<' ? erec_xml_kind(head + at, length - at) : EREC_KIND_OPAQUE;
}

ErecKind
erec_kind_of(ErecSource *source)
{
    char head[HEAD];
    const gssize length = erec_source_read(source, 0, head, sizeof head);

    if (length <= 0)
        return EREC_KIND_OPAQUE;
    /* first of all: its preamble may look like anything, and often like TIFF */
    if (length >= 132 && memcmp(head + 128, "DICM", 4) == 0)
        return EREC_KIND_DICOM;
    for (gsize i = 0; i < G_N_ELEMENTS(magic); i++)
        if ((gsize)length >= magic[i].length &&
            memcmp(head, magic[i].bytes, magic[i].length) == 0)
            return magic[i].kind;
    if (memmem(head, (gsize)MIN(length, PDF_LEAD), "%PDF-", 5) != NULL)
        return EREC_KIND_PDF;
    return text_kind(head, (gsize)length);
}

const char *
erec_kind_media_type(ErecKind kind)
{
    return kinds[kind].media_type;
}

const char *
erec_kind_name(ErecKind kind)
{
    return kinds[kind].name;
}

const char *
erec_kind_words(ErecKind kind)
{
    return kinds[kind].words;
}

static gboolean
tail_has(ErecSource *source, const char *bytes, gsize length)
{
    char tail[2048];
    const guint64 size = erec_source_size(source),
                  from = size > sizeof tail ? size - sizeof tail : 0;
    const gssize got = erec_source_read(source, from, tail, sizeof tail);

    return got > 0 && memmem(tail, (gsize)got, bytes, length) != NULL;
}

static guint64
number(const guchar *p, guint bytes, gboolean little)
{
    guint64 value = 0;

    for (guint i = 0; i < bytes; i++)
        value = value << 8 | p[little ? bytes - 1 - i : i];
    return value;
}

/* The first directory must be there, with all of its entries. */
static const char *
tiff_damage(ErecSource *source, gboolean big)
{
    guchar head[16], count[8];
    const guint wide = big ? 8 : 4, counter = big ? 8 : 2;
    const guint64 size = erec_source_size(source);
    guint64 directory, n;
    gboolean little;

    if (erec_source_read(source, 0, head, sizeof head) < (big ? 16 : 8))
        return "cut";
    little = head[0] == 'I';
    directory = number(head + (big ? 8 : 4), wide, little);
    if (directory < 8)
        return "damaged";
    if (directory > size || size - directory < counter ||
        erec_source_read(source, directory, count, counter) != (gssize)counter)
        return "cut";
    n = number(count, counter, little);
    if (n == 0)
        return "damaged";
    return n > (size - directory) / (big ? 20 : 12) ? "cut" : NULL;
}

const char *
erec_kind_damage(ErecSource *source, ErecKind kind)
{
    switch (kind) {
    case EREC_KIND_PDF:
        return tail_has(source, "%%EOF", 5) ? NULL : "cut";
    case EREC_KIND_JPEG:
        return tail_has(source, "\xff\xd9", 2) ? NULL : "cut";
    case EREC_KIND_PNG:
        return tail_has(source, "IEND\xae\x42\x60\x82", 8) ? NULL : "cut";
    case EREC_KIND_TIFF:
        return tiff_damage(source, FALSE);
    case EREC_KIND_BIGTIFF:
        return tiff_damage(source, TRUE);
    case EREC_KIND_DICOM:
    case EREC_KIND_OPAQUE:
    case EREC_KIND_JSON:
    case EREC_KIND_FHIR_XML:
    case EREC_KIND_CDA:
    case EREC_KIND_XML:
        break;
    }
    return NULL;
}
