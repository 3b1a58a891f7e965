/** Writes what the sources import and no repository keeps: the Argon2 binary, the migrations and the OpenAPI document. */
import { generateArgon2 } from "./generate-argon2.node.ts";
import { generateMigrations } from "./generate-migrations.node.ts";
import { generateOpenApi } from "./generate-openapi.node.ts";

await generateArgon2(new URL("./generated/", import.meta.url));
await generateMigrations();
generateOpenApi();
