/** Writes what the sources import and no repository keeps: the Argon2 binary, the migrations and the OpenAPI document. */
import { generateArgon2 } from "./argon2.node.ts";
import { generateMigrations } from "./migrations.node.ts";
import { generateOpenApi } from "./openapi/document.node.ts";

await generateArgon2(new URL("../src/runtime/generated/", import.meta.url));
await generateMigrations();
generateOpenApi();
