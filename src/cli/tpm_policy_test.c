/*
 * Policies of endorsement keys are what a TPM would make of their commands (TPM 2.0 part 3, 23; TCG EK Credential Profile B.6).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <tss2/tss2_mu.h>

#include "cli/tpm_own.h"

/* What a policy command makes of the digest before it, which begins as zeros. */
static void extend(TPM2B_DIGEST *policy, TPM2_CC command, struct slice argument)
{
	unsigned char bytes[SHA256_SIZE + sizeof(command) + 2 * SHA256_SIZE];
	size_t n = SHA256_SIZE;

	memcpy(bytes, policy->buffer, SHA256_SIZE);
	assert_int_equal(Tss2_MU_TPM2_CC_Marshal(command, bytes, sizeof(bytes), &n), TSS2_RC_SUCCESS);
	assert_true(argument.n <= sizeof(bytes) - n);
	memcpy(bytes + n, argument.p, argument.n);
	sha256(slice_over(bytes, n + argument.n), policy->buffer);
	policy->size = SHA256_SIZE;
}

static void a_is_the_secret_of_the_endorsement_hierarchy(void **state)
{
	TPM2B_DIGEST policy = {0};

	(void)state;
	extend(&policy, TPM2_CC_PolicySecret, SLICE("\x40\x00\x00\x0b")); /* the name of a hierarchy is its handle */
	sha256(slice_over(policy.buffer, SHA256_SIZE), policy.buffer);    /* ... and with an empty reference */
	assert_true(tpm_policy_same(&policy, &tpm_policy_a));
}

/* The policy index as the profile has it: only its name is part of the policy. */
static void c_is_what_the_policy_index_allows(void **state)
{
	TPMS_NV_PUBLIC index = {.nvIndex = 0x01c07f01,
				.nameAlg = TPM2_ALG_SHA256,
				.attributes = TPMA_NV_POLICYWRITE | TPMA_NV_WRITEALL | TPMA_NV_PPREAD | TPMA_NV_OWNERREAD |
					      TPMA_NV_AUTHREAD | TPMA_NV_POLICYREAD | TPMA_NV_NO_DA | TPMA_NV_WRITTEN,
				.authPolicy = tpm_policy_a,
				.dataSize = 2 + SHA256_SIZE};
	unsigned char area[128], name[2 + SHA256_SIZE] = {0, TPM2_ALG_SHA256};
	TPM2B_DIGEST policy = {0};
	size_t n = 0;

	(void)state;
	assert_int_equal(Tss2_MU_TPMS_NV_PUBLIC_Marshal(&index, area, sizeof(area), &n), TSS2_RC_SUCCESS);
	sha256(slice_over(area, n), name + 2);
	extend(&policy, TPM2_CC_PolicyAuthorizeNV, slice_over(name, sizeof(name)));
	assert_true(tpm_policy_same(&policy, &tpm_policy_c));
}

static void b_is_either_of_the_two(void **state)
{
	unsigned char either[2 * SHA256_SIZE];
	TPM2B_DIGEST policy = {0};

	(void)state;
	memcpy(either, tpm_policy_a.buffer, SHA256_SIZE);
	memcpy(either + SHA256_SIZE, tpm_policy_c.buffer, SHA256_SIZE);
	extend(&policy, TPM2_CC_PolicyOR, slice_over(either, sizeof(either)));
	assert_true(tpm_policy_same(&policy, &tpm_policy_b));
	assert_false(tpm_policy_same(&tpm_policy_a, &tpm_policy_b));
	assert_false(tpm_policy_same(&(TPM2B_DIGEST){0}, &tpm_policy_b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_is_the_secret_of_the_endorsement_hierarchy),
		cmocka_unit_test(c_is_what_the_policy_index_allows),
		cmocka_unit_test(b_is_either_of_the_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
