/* definition.c - see definition.h */
#include "engine/definition.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

/* ---- accounts ---- */

static Account *account_ref(Account *account)
{
        account->references++;
        return account;
}

static Account *account_unref(Account *account)
{
        if (!account || --account->references > 0)
                return NULL;
        spawn_identity_done(&account->identity);
        free(account);
        return NULL;
}
DEFINE_AUTO(Account, account_unref);

static Account *account_new(const PoolConfig *config, bool ignore_identity)
{
        Account *account = calloc(1, sizeof(Account));
        char subject[80];

        if (!account)
                return NULL;
        account->references = 1;
        (void)snprintf(subject, sizeof(subject), "pool %s", config->name);
        /* A failure is kept in the account: it is told when something is to be started. */
        if (!ignore_identity && (config->user || config->group))
                (void)spawn_identity_resolve(config->user, config->group, subject,
                                             &account->identity, &account->error);
        return account;
}

/* ---- definitions ---- */

static Definition *definition_make(PoolConfig *config, unsigned number, const Grid *grid,
                                   Account *account)
{
        Definition *definition = calloc(1, sizeof(Definition));

        if (!definition)
                return NULL;
        *definition = (Definition){ .references = 1,
                                    .number = number,
                                    .life = number,
                                    .config = pool_config_ref(config),
                                    .threads = grid->threads,
                                    .greenlets = grid->greenlets,
                                    .account = account_ref(account) };
        return definition;
}

Definition *definition_new(PoolConfig *config, unsigned number, const Grid *grid,
                           bool ignore_identity)
{
        AUTO(Account) *account = account_new(config, ignore_identity);

        return account ? definition_make(config, number, grid, account) : NULL;
}

Definition *definition_derive(const Definition *definition, unsigned number, const Grid *grid)
{
        Definition *derived =
                definition_make(definition->config, number, grid, definition->account);

        if (derived)
                derived->life = definition->life;
        return derived;
}

void definition_renew(Definition *definition, PoolConfig *config)
{
        PoolConfig *before = definition->config;

        definition->config = pool_config_ref(config);
        pool_config_unref(before);
}

Definition *definition_ref(Definition *definition)
{
        definition->references++;
        return definition;
}

Definition *definition_unref(Definition *definition)
{
        if (!definition || --definition->references > 0)
                return NULL;
        pool_config_unref(definition->config);
        account_unref(definition->account);
        free(definition);
        return NULL;
}
