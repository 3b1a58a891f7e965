export * from "sallyport/oidc/token-rows";
