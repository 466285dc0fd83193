/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a signature that was made. */
#include "sign_view.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "commit_view.h"
#include "key_options.h"
#include "output_file.h"

int sign_options_read(struct cli *cli, const struct args *args, const char **key,
                      bfc_sign_options *how)
{
    *key = args_value(args, OPT_KEY);
    if (!*key)
        return cli_usage(cli, "sign with what? --key KEYFILE is missing");
    secrets_begin();
    how->quick = args_has(args, OPT_QUICK);
    how->jobs = cli->jobs;
    how->hooks = &cli->hooks;
    return EXIT_DONE;
}

static json_t *document_of(const char *schema, const char *member, const char *subject,
                           const bfc_signature *s)
{
    json_t *document = json_document(schema);
    char signer[BFC_KEY_TEXT_MAX], text[BFC_SIGNATURE_TEXT_MAX];

    bfc_signer_text(s->signer, signer);
    bfc_signature_text(s, text);
    json_put_str(document, member, subject);
    json_put_hex(document, "root_digest", s->root_digest, sizeof s->root_digest);
    json_put_str(document, "signer", signer);
    json_put_time(document, "time", s->time, 0);
    json_put_str(document, "signature", text);
    return document;
}

static void summary(struct cli *cli, const char *subject, const bfc_signature *s, const char *words)
{
    char signer[BFC_KEY_TEXT_MAX], digest[DIGEST_SHORT + 1], time[TIME_TEXT_MAX];
    AUTO_TEXT struct text shown = {0};

    bfc_signer_text(s->signer, signer);
    digest_short(digest, s->root_digest);
    text_time(time, s->time);
    text_escaped(&shown, subject, strlen(subject), ESCAPE_TERMINAL);
    cli_summary(cli, "%s: root digest %s %s by %s, %s UTC", text_of(&shown), digest, words, signer,
                time);
}

int sign_report_added(struct cli *cli, const char *schema, const char *member, const char *subject,
                      const bfc_sign_report *report)
{
    if (cli->json) {
        json_t *document = document_of(schema, member, subject, &report->signature);
        json_put_bool(document, "was_there", report->was_there);
        json_print(&cli->out, document);
        return EXIT_DONE;
    }
    summary(cli, subject, &report->signature,
            report->was_there ? "was signed already" : "is now signed");
    return EXIT_DONE;
}

static int write_file(struct cli *cli, const char *path, bool replace, const char *line)
{
    AUTO_OUTPUT_FILE struct output_file file = OUTPUT_FILE_INIT;
    size_t len = strlen(line), done = 0;

    int code = output_file_open(cli, path, replace, &file);
    if (code != EXIT_DONE)
        return code;
    while (done < len) {
        ssize_t n = write(file.fd, line + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cli_error(cli, errno == ENOSPC ? BFC_E_NOSPC : BFC_E_IO,
                             "write the signature: %s", strerror(errno));
        done += (size_t)n;
    }
    return output_file_publish(cli, path, replace, &file);
}

int sign_report_detached(struct cli *cli, const char *schema, const char *member,
                         const char *subject, const char *output, bool replace,
                         const bfc_sign_report *report)
{
    char signature[BFC_SIGNATURE_TEXT_MAX];
    AUTO_TEXT struct text line = {0};

    bfc_signature_text(&report->signature, signature);
    text_fmt(&line, "%s\n", signature);
    int code = output ? write_file(cli, output, replace, text_of(&line)) : EXIT_DONE;
    if (code != EXIT_DONE)
        return code;
    if (cli->json) {
        json_t *document = document_of(schema, member, subject, &report->signature);
        if (output)
            json_put_str(document, "output", output);
        json_print(&cli->out, document);
        return EXIT_DONE;
    }
    if (!output)
        out_str(&cli->out, text_of(&line));
    summary(cli, subject, &report->signature, "is signed");
    return EXIT_DONE;
}
