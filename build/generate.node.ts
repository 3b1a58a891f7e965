/**
 * Writes what the sources import and no repository keeps: the Argon2 binary, the migrations, the OpenAPI document and the types of
 * the routes. It also brings the `@throws` tags of the operations up to date.
 */
import { generateApiTypes } from "./api-types.node.ts";
import { generateArgon2 } from "./argon2.node.ts";
import { generateMigrations } from "./migrations.node.ts";
import { generateOpenApi } from "./openapi/document.node.ts";
import { writeOperationTags } from "./operation-refusals.node.ts";

await generateArgon2(new URL("../src/runtime/generated/", import.meta.url));
await generateMigrations();
generateOpenApi();
generateApiTypes();
writeOperationTags();
