export * from "sallyport/oidc";
